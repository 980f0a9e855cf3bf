"""Fakes with hosts in them, and how each provider is asked for those."""

import dataclasses

import fake_azure
import fake_consul
import fake_ec2
import fake_gce
from fake import addresses


@dataclasses.dataclass(frozen=True)
class Kind:
    """api, metadata: patterns of the paths of one and the other."""
    arguments: tuple
    api: str
    metadata: str
    populate: object


def _ec2(fake, found):
    fake.instances = [fake_ec2.instance(each, cluster="web") for each in found]


def _gce(fake, found):
    fake.instances = [fake_gce.instance(each, cluster="web") for each in found]


def _azure(fake, found):
    fake.machines = [fake_azure.machine(each, cluster="web") for each in found]


def _consul(fake, found):
    fake.instances = [fake_consul.instance(each, port=0) for each in found]


KINDS = {
    "ec2": Kind(("ec2", "tag:cluster=web"), r"/", r"/latest/api/token", _ec2),
    "gce": Kind(("gce", "label:cluster=web"), r"/compute/.*", r"/computeMetadata/.*/token", _gce),
    "azure": Kind(("azure", "tag:cluster=web"), r"/providers/.*", r"/metadata/identity/.*",
                  _azure),
    "consul": Kind(("consul",), r"/v1/.*", None, _consul),
}
THREE = addresses(3)
