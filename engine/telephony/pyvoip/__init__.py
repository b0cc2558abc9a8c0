"""Trunks over the library pyVoIP, each in a process of its own: a lab adapter, and an extra.

pyVoIP is under the GNU General Public License, version 3. Only ``worker.open_phone`` imports it, in
the worker process; the engine's process never does.
"""
