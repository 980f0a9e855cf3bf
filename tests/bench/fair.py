"""What else a fast path owes besides speed: small frames beside bulk, and a thin stream.

Latency is that of packets sent by the clock (load/paced.c), alone and beside what fills
the CPUs or a card.
"""

import contextlib
import time

from . import links, measure
from .cases import A_GIGABYTE, CONGESTION, MAIN, RATE, Case, Site
from .measure import CPUS, Load, Meter, Paced

PAIR, TRIO = Site(2), Site(3)
REQUESTS = 1000  # a second, of 64 B
CARDS = (2, 5)   # Gb/s
OFFERED = (10, 30, 50, 75, 100)  # per cent of the card's rate
OFFERED_BY = "cubic"  # what hosts have unless told
# So far below the overlay's MTU a frame fits one of tapd's datagrams, as TCP's do, which
# tapd cuts to fit.
SPARE = 60
# keepalived's default is one a second: with that a 99th percentile would take minutes.
ADVERTS = {"rate": 20, "address": "224.0.0.18"}
STREAM = {"rate": 200, "size": 1250, "address": "239.8.27.5", "port": measure.PORT + 5}
ADVERTS_LAST = 2.5  # times what other cases take
LOOPS = 4  # a CPU
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


def datagram_bulk(size, rate, burst):
    def start(stack, stage, overlay, target, seconds):
        sender = stage.cloud.hosts[0]
        sink = stage.sink(overlay, [target], overlay.address(target), measure.PORT + 3)
        load = Load.start("send", sender.netns, overlay.interface, sink.address, sink.port,
                          sink.start(), size, rate, burst, seconds)
        stack.callback(Load.end, load)

        def finish():
            try:
                got = Load.finish(load, seconds + 30)
            finally:
                count = sink.stop()[0]["count"]
            return {"load_gbps": count * size * 8 / (got["end_ns"] - got["begin_ns"]),
                    "load_loss": 1 - count / got["sent"] if got["sent"] else None}
        return finish
    return start


FLOOD = datagram_bulk(1400, 0, 16)
THIN = datagram_bulk(100, RATE, 1)


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


def adverts(bulk=None, other=False):
    """VRRP's and a multicast stream to the second host; the bulk to it or to the third."""
    def run(stage, overlay):
        first, second, third = stage.cloud.hosts
        seconds = ADVERTS_LAST * stage.seconds
        with Paced("adverts", overlay, first, second, seconds=seconds, **ADVERTS) as vrrp, \
                Paced("stream", overlay, first, second, seconds=seconds, **STREAM) as stream:
            time.sleep(1.5)  # until the joins have been heard
            result, each = beside(stage, overlay, bulk, third if other else second,
                                  [vrrp, stream], seconds)
        for name, got in zip(("adverts", "stream"), each):
            result |= {f"{name}_{figure}": value for figure, value in got.items()}
        return result
    return run


def one_by_one(stage, overlay):
    first, second = stage.cloud.hosts
    sink = stage.sink(overlay, [second], overlay.address(second), measure.PORT + 3)
    return measure.datagrams(overlay, stage.foreign(overlay), sink, first, size=1400, rate=0,
                             burst=1, seconds=stage.seconds)


def sender_alone(stage, overlay):
    first, second = stage.cloud.hosts
    with links.BatchesGone(first):
        return measure.batches(overlay, stage.foreign(overlay), first, second, links.GONE,
                               size=overlay.mtu - SPARE, seconds=stage.seconds)


def beside_loops(stage, overlay):
    """50 Mb/s of multicast while every CPU has busy loops to run."""
    first, *others = stage.cloud.hosts
    sink = stage.sink(overlay, others)
    loops = Load.start("spin", LOOPS * CPUS, stage.seconds + 5)
    try:
        time.sleep(BEFORE_S)
        figures = measure.datagrams(overlay, stage.foreign(overlay), sink, first, size=1250,
                                    rate=5000, burst=1, seconds=stage.seconds)
    finally:
        Load.end(loops)
    # What the CPUs did was mostly to loop.
    return {name: value for name, value in figures.items() if not name.startswith("cpu_us")}


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
    yield requests_case("thin", "beside 15,000 frames/s of 100 B, one by one", THIN)
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


def adverts_cases():
    kinds = [(f"tcp/{congestion}", f"TCP, {congestion}", tcp_bulk(congestion),
              {"congestion": congestion}) for congestion in CONGESTION]
    kinds.append(("flood", "a UDP flood of 1400 B", FLOOD, {}))
    metrics = tuple(f"{name}_{figure}" for name in ("adverts", "stream")
                    for figure in ("p50_us", "p99_us", "max_us", "loss"))
    group = "VRRP adverts at 20/s, and 2 Mb/s of multicast (200/s of 1250 B), one way"
    yield Case("adverts-idle", group, "idle", TRIO, adverts(), metrics, MAIN, False,
               {"mode": "idle"})
    for name, words, bulk, parameters in kinds:
        for other, to in ((False, "same-peer"), (True, "other-peer")):
            yield Case(f"adverts-{name}/{to}", group,
                       f"beside {words}, to {'another' if other else 'the same'} peer", TRIO,
                       adverts(bulk, other), (*metrics, "load_gbps"), MAIN, False,
                       {"mode": f"{name.partition('/')[0]}/{to}", **parameters})


def fair_cases():
    yield from requests_cases()
    yield from offered_cases()
    yield from adverts_cases()
    yield Case("udp-single/1400", "UDP stream, one send a datagram (as iperf3 -u -b 0)", "1400 B",
               PAIR, one_by_one,
               ("delivered_per_s", "loss", "cpu_us_per_frame", *A_GIGABYTE), MAIN, False,
               {"receivers": 1, "size": 1400, "mode": "single"})
    for site in (PAIR, Site(2, 9001)):
        yield Case(f"sender-alone{site.suffix}",
                   "A sender by itself: UDP in 64 KB batches, gone at the underlay",
                   f"underlay {site.mtu}", site, sender_alone,
                   ("gbps", "loss", "cpu_s_per_gb", "sender_s_per_gb", "kernel_s_per_gb"), MAIN,
                   False, {"mode": "alone"})
    yield Case("loops-4/1250", f"50 Mb/s of multicast beside {LOOPS} busy loops a CPU",
               "2 × 1250 B, 5000/s", TRIO, beside_loops, ("loss", "delivered_per_s"), MAIN, False,
               {"receivers": 2, "size": 1250, "mode": "loops"})
