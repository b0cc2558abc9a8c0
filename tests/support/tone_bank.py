"""What is in the audio, for tests: energy and tones of many frames as one matrix product."""

from typing import Final

import numpy as np
import numpy.typing as npt

from engine.telephony.media.g711 import FRAME, I16, SAMPLES_PER_S

F32 = npt.NDArray[np.float32]

_FLOOR: Final = np.float32(1e-9)


class ToneBank:
    """The power of fixed frequencies in every frame, as Goertzel's filters would give it.

    Attributes:
        hz: The frequencies, shape (F,). [1/s]
    """

    def __init__(self, hz: npt.ArrayLike, samples: int = FRAME) -> None:
        self.hz: npt.NDArray[np.float64] = np.asarray(hz, dtype=np.float64)
        time_s = np.arange(samples)[:, np.newaxis] / SAMPLES_PER_S
        window = np.hanning(samples + 2)[1:-1, np.newaxis]
        phase = 2 * np.pi * self.hz * time_s
        scale = window * 2 / (window.sum() * 32768)
        self._waves: F32 = np.concatenate(
            [np.cos(phase) * scale, np.sin(phase) * scale], axis=1
        ).astype(np.float32)

    def levels(self, samples: I16) -> F32:
        """Return the amplitude of each frequency in each frame.

        Args:
            samples: Shape (N, samples).

        Returns:
            Shape (N, F); 1 is a sine of full scale.
        """
        product = samples.astype(np.float32) @ self._waves
        count = self.hz.size
        amplitude: F32 = np.hypot(product[:, :count], product[:, count:])
        return amplitude


def energy_db(samples: I16) -> F32:
    """Return the mean power of each frame relative to a full-scale square, shape (N,). [dB]"""
    scaled = samples.astype(np.float32) / np.float32(32768)
    power = np.einsum("ns,ns->n", scaled, scaled) / np.float32(samples.shape[1])
    decibels: F32 = np.float32(10) * np.log10(power + _FLOOR)
    return decibels
