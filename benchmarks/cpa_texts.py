"""What people and machines say when they answer, for the corpus of benchmark ``cpa``.

The two parts share no language variant, no voice and no text, so what was fitted on one can be
measured on the other.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Language:
    """Greetings of one language.

    Attributes:
        voice: Language of espeak-ng.
        short: A word or two.
        named: With a name or a few words.
        business: By a person at work, longer.
        machine: Of answering machines at home and mailboxes.
        network: Of a carrier's mailbox.
        brief: Of machines that say little before the tone.
    """

    voice: str
    short: tuple[str, ...]
    named: tuple[str, ...]
    business: tuple[str, ...]
    machine: tuple[str, ...]
    network: tuple[str, ...]
    brief: tuple[str, ...]


_ENGLISH: Final = Language(
    "en-us",
    ("Hello?", "Hello.", "Yes?", "Hi.", "Hey.", "Yeah?", "Good morning."),
    (
        "Yes hello, John speaking.",
        "Hello, this is Mary.",
        "Hello, Peterson residence.",
        "Hi, Susan here.",
        "Hello, who is this?",
    ),
    (
        "Miller and Sons, good morning.",
        "City Dental, this is Karen.",
        "Good afternoon, front desk, Robert speaking.",
        "Acme Plumbing, how can I help you?",
    ),
    (
        "Hi, you have reached the Johnson family. We can't come to the phone right now. Please "
        "leave your name and number after the tone, and we will call you back.",
        "Hello, this is Mark. I'm not able to take your call. Leave me a message.",
        "You've reached the voice mail of Linda Brown. I am either on the phone or away from my "
        "desk. Please leave a message.",
        "Hey, it's Tom, I can't get to the phone at the moment, so please leave a message after "
        "the beep.",
        "Thank you for calling. Our office is now closed. Our hours are nine to five, Monday to "
        "Friday.",
    ),
    (
        "Your call has been forwarded to an automatic voice message system. The person you are "
        "trying to reach is not available. At the tone, please record your message.",
        "The wireless customer you are calling is not available. Please leave a message.",
    ),
    ("Please leave a message.", "This is Dave, leave a message."),
)

TEST: Final = (
    _ENGLISH,
    Language(
        "de",
        ("Hallo?", "Ja?", "Ja bitte?", "Müller.", "Schmidt?", "Guten Tag."),
        (
            "Ja hallo, hier ist Anna.",
            "Weber, guten Abend.",
            "Hallo, wer ist denn da?",
            "Hier bei Familie Schulz.",
        ),
        (
            "Bäckerei Hoffmann, guten Morgen.",
            "Praxis Doktor Klein, Sie sprechen mit Frau Wolf.",
            "Autohaus Richter, was kann ich für Sie tun?",
        ),
        (
            "Guten Tag, Sie sind verbunden mit dem Anschluss der Familie Becker. Wir sind zurzeit "
            "leider nicht zu Hause. Bitte hinterlassen Sie eine Nachricht nach dem Signalton.",
            "Hallo, hier ist der Anrufbeantworter von Peter und Sabine, wir freuen uns über eine "
            "Nachricht nach dem Ton.",
            "Sie haben die Mailbox von Klaus Fischer erreicht. Sprechen Sie nach dem Ton.",
        ),
        (
            "Der gewünschte Gesprächspartner ist zurzeit nicht erreichbar. Bitte hinterlassen Sie "
            "eine Nachricht nach dem Signalton.",
            "Dies ist die Mailbox der Rufnummer null eins sieben zwei drei vier fünf sechs.",
        ),
        ("Bitte sprechen Sie nach dem Ton.",),
    ),
    Language(
        "fr-fr",
        ("Allô?", "Oui?", "Oui allô?", "Bonjour."),
        ("Allô, c'est Marie.", "Oui bonjour, Pierre Martin.", "Allô, qui est à l'appareil?"),
        ("Boulangerie Dupont, bonjour.", "Cabinet du docteur Petit, j'écoute."),
        (
            "Bonjour, vous êtes bien chez Julie et Marc. Nous ne sommes pas disponibles pour le "
            "moment. Laissez un message après le bip sonore.",
            "Vous êtes sur la messagerie de Paul Durand, je ne peux pas vous répondre, merci de "
            "laisser un message.",
        ),
        (
            "Bonjour, le correspondant que vous cherchez à joindre n'est pas disponible. Veuillez "
            "laisser votre message après le signal sonore.",
        ),
        ("Laissez-moi un message.",),
    ),
    Language(
        "es",
        ("¿Sí?", "¿Diga?", "¿Dígame?", "Hola.", "¿Aló?"),
        ("Hola, soy Carmen.", "Sí, dígame, ¿quién es?", "Hola, buenas tardes."),
        ("Taller García, buenos días.", "Clínica Sol, le atiende Lucía."),
        (
            "Hola, has llamado a casa de Antonio y Pilar. Ahora mismo no podemos atenderte. Deja "
            "tu mensaje después de la señal.",
            "Este es el contestador automático de Javier Ruiz, por favor deje su nombre y su "
            "número de teléfono.",
        ),
        (
            "El teléfono al que llama está apagado o fuera de cobertura en este momento. Deje su "
            "mensaje después de la señal.",
        ),
        ("Deja un mensaje.",),
    ),
    Language(
        "it",
        ("Pronto?", "Sì?", "Pronto, sì?", "Buongiorno."),
        ("Pronto, sono Giulia.", "Sì pronto, chi parla?", "Pronto, casa Rossi."),
        ("Officina Bianchi, buongiorno.", "Studio Conti, sono Marco."),
        (
            "Ciao, questa è la segreteria telefonica di Luca e Sara. In questo momento non siamo "
            "in casa. Lasciate un messaggio dopo il segnale acustico.",
            "Avete chiamato la famiglia Ferrari, non possiamo rispondere, lasciate un messaggio.",
        ),
        (
            "Il cliente da lei chiamato non è al momento raggiungibile. La preghiamo di lasciare "
            "un messaggio dopo il segnale.",
        ),
        ("Lasciate un messaggio.",),
    ),
)

TRAINING: Final = (
    Language(
        "en-gb-scotland",
        ("Hiya?", "Hello there.", "Speaking?", "Who's this?", "Evening."),
        ("Hello, Patrick on the phone.", "Aye hello, the Campbells.", "Hi, you got Emma."),
        ("Harbour Hotel, reception.", "Good day, Stone and Company, Fiona here."),
        (
            "Good day. Nobody can pick up just now, but if you record your details once you hear "
            "the signal, somebody returns your call.",
            "Greetings from Alan's machine, he is out walking his dog, so do talk to me instead.",
        ),
        (
            "Sorry, the subscriber cannot be reached at present. To record something, speak when "
            "you hear the signal.",
        ),
        ("Speak after the beep.",),
    ),
    Language(
        "nl",
        ("Hallo?", "Ja?", "Met Jan.", "Goedemiddag."),
        ("Hallo, met Sophie de Vries.", "Ja hallo, wie is dit?", "Met de familie Bakker."),
        ("Garage Jansen, goedemorgen.", "Tandarts Visser, met Lotte."),
        (
            "Hallo, dit is het antwoordapparaat van Piet en Els. Wij zijn er op dit moment niet. "
            "Spreek een bericht in na de piep.",
            "U bent verbonden met de voicemail van Daan, ik kan nu niet opnemen.",
        ),
        ("De persoon die u belt is niet bereikbaar. Spreek na de toon uw bericht in.",),
        ("Spreek in na de piep.",),
    ),
    Language(
        "pt",
        ("Estou?", "Sim?", "Alô?", "Bom dia."),
        ("Estou, fala o João.", "Sim, quem fala?", "Olá, é a Teresa."),
        ("Farmácia Central, boa tarde.", "Oficina Silva, em que posso ajudar?"),
        (
            "Olá, ligou para a casa da família Costa. De momento não podemos atender. Deixe a sua "
            "mensagem depois do sinal.",
        ),
        ("O número para o qual ligou não está disponível. Por favor, deixe uma mensagem.",),
        ("Deixe mensagem.",),
    ),
    Language(
        "sv",
        ("Hallå?", "Ja?", "Hej.", "Det är Nils."),
        ("Hej, det är Karin.", "Hallå, vem är det?", "Lindberg, god kväll."),
        ("Svenssons bageri, god morgon.", "Tandläkare Berg, du talar med Eva."),
        (
            "Hej, du har kommit till Lars telefonsvarare. Jag kan inte svara just nu. Lämna ett "
            "meddelande efter tonen.",
        ),
        ("Abonnenten kan inte nås för tillfället. Lämna ett meddelande efter signalen.",),
        ("Tala efter tonen.",),
    ),
    Language(
        "pl",
        ("Halo?", "Tak?", "Słucham?", "Dzień dobry."),
        ("Halo, tu Ewa.", "Tak słucham, kto mówi?", "Kowalski, słucham."),
        ("Apteka Zdrowie, dzień dobry.", "Serwis Nowak, w czym mogę pomóc?"),
        (
            "Dzień dobry, tu automatyczna sekretarka państwa Zielińskich. Nie możemy teraz odebrać "
            "telefonu. Prosimy zostawić wiadomość po sygnale.",
        ),
        ("Abonent jest czasowo niedostępny. Zostaw wiadomość po usłyszeniu sygnału.",),
        ("Zostaw wiadomość.",),
    ),
)

TEST_VOICES: Final = ("m1", "m3", "m5", "m7", "f1", "f3", "f5", "Annie", "Andy", "Michael", "linda")
TRAINING_VOICES: Final = ("m2", "m4", "m6", "m8", "f2", "f4", "steph", "john", "benjamin", "Alicia")
