"""Measures the release build; started by scripts/bench.

Figures of CPU time are the ones to compare: these survive a noisy machine. Where two programs are compared they run
interleaved, and medians of the pairs are printed.
"""
import sys

from measure import channels, requests, streams, tls

parts = {
    "launch": requests.launch, "boundary": requests.boundary, "json": requests.json,
    "memory": streams.memory, "connect": streams.connect, "broadcast": streams.broadcast, "ids": channels.ids,
    "publish": channels.publish, "one": channels.one, "many": channels.many, "reconnect": channels.reconnect,
    "tls": tls.tls,
}
chosen = sys.argv[1:] or list(parts)
for name in chosen:
    if name not in parts:
        sys.exit(f"bench: unknown part '{name}' (known: {', '.join(parts)})")
for name in chosen:
    parts[name]()
