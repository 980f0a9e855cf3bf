"""What else a fast path owes besides speed: small frames beside bulk.

Latency is that of packets sent by the clock (load/paced.c), alone and beside what fills
the CPUs or a card.
"""

import contextlib
import time

from . import links, measure
from .cases import CONGESTION, MAIN, Case, Site
from .measure import Load, Meter, Paced

PAIR = Site(2)
REQUESTS = 1000  # a second, of 64 B
CARDS = (2, 5)   # Gb/s
OFFERED = (10, 30, 50, 75, 100)  # per cent of the card's rate
OFFERED_BY = "cubic"  # what hosts have unless told
# Bulk begins so long before what is measured beside it, and lasts as long after it.
BEFORE_S, AFTER_S = 0.5, 0.3


# ---- bulk: each makes sure that it ends, and tells how to ask what it came to ----

def tcp_bulk(congestion, mbps=0):
    def start(stack, stage, overlay, target, seconds):
        sender = stage.cloud.hosts[0]
        load = Load.start("tcp", sender.netns, target.netns, overlay.address(target),
                          measure.PORT + 4, 1, "out", seconds, congestion, mbps)
        stack.callback(Load.end, load)

        def finish():
            got = Load.finish(load, seconds + 30)
            return {"load_gbps": got["bytes"] * 8 / got["ns"]}
        return finish
    return start


# ---- how each kind of case runs ----

def beside(stage, overlay, bulk, target, paced, seconds):
    """Lets those go, beside the bulk if there is any: what that came to, and each of them."""
    with contextlib.ExitStack() as stack:
        meter = Meter(overlay, stage.foreign(overlay), stage.cloud.hosts[0], [target])
        finish = bulk(stack, stage, overlay, target, seconds + BEFORE_S + AFTER_S) \
            if bulk else dict
        time.sleep(BEFORE_S)
        for one in paced:
            one.go()
        figures = [one.finish() for one in paced]
        return meter.stop() | {"seconds": seconds} | finish(), figures


def requests(bulk=None, card=None):
    """To the peer that the bulk goes to, if need be through a card of so many Gb/s."""
    def run(stage, overlay):
        first, second = stage.cloud.hosts[:2]
        with links.card(first, card), \
                Paced("requests", overlay, first, second, overlay.address(second),
                      rate=REQUESTS, seconds=stage.seconds, port=measure.PORT + 1) as asked:
            result, (got,) = beside(stage, overlay, bulk, second, [asked], stage.seconds)
        return result | {"requests": got.pop("sent"), "requests_lost": got.pop("lost"),
                         "requests_loss": got.pop("loss"), **got}
    return run


# ---- the list ----

LATENCY = ("p50_us", "p99_us", "requests_loss")


def offered_case(percent, card):
    """The name of the case with that share of the card's rate."""
    return f"requests-load-{percent}/{OFFERED_BY}/card-{card}"


def requests_case(name, title, bulk=None, card=None, **parameters):
    group = f"Requests at {REQUESTS}/s by the clock, 64 B over UDP"
    where = f", card of {card} Gb/s" if card else ""
    suffix = f"/card-{card}" if card else ""
    return Case(f"requests-{name}{suffix}", group, title + where, PAIR, requests(bulk, card),
                (*LATENCY, *(("load_gbps",) if bulk else ())), MAIN, False,
                {"mode": name.partition("/")[0], "size": 64, "card_gbps": card, **parameters})


def requests_cases():
    yield requests_case("idle", "idle")
    for card in (None, *CARDS):
        for congestion in CONGESTION:
            yield requests_case(f"tcp/{congestion}", f"beside a TCP stream, {congestion}",
                                tcp_bulk(congestion), card, congestion=congestion)


def offered_cases():
    """Latency against load: of a TCP stream, held to a share of what the card takes."""
    for card in CARDS:
        for percent in OFFERED:
            yield requests_case(f"load-{percent}/{OFFERED_BY}",
                                f"beside a stream held to {percent} %, {OFFERED_BY}",
                                tcp_bulk(OFFERED_BY, card * 10 * percent), card,
                                congestion=OFFERED_BY, offered_percent=percent)


def fair_cases():
    yield from requests_cases()
    yield from offered_cases()
