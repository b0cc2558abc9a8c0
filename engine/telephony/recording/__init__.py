"""Recording: a process of its own that keeps what legs say and hear, fed by shared memory.

The switch writes frames into a ring (``ring``) and never waits for it; the recorder (``process``)
reads them, keeps time (``tracks``), seals chunks (``sealing``) and appends them to one file a
recording (``live``). When a call is over its file is compressed (``finishing``). The engine's end
is ``client``; what is finished is read and deleted through ``library``.
"""
