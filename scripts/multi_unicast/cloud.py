"""Which cloud this machine is in, by what its firmware says, and whether this can work there."""

import os

_DMI = "/sys/class/dmi/id"
# What Azure has told other clouds' and Hyper-V's machines apart by for years.
_AZURE_TAG = "7783-7084-3265-9085-8269-3286-77"

EC2 = ("this is EC2: it may work among hosts of one subnet whose source/destination check is "
       "off, and in a security group that lets the protocols inside through; that is not "
       "proven")
_CANNOT = "this is {}, which forwards by IP address: it cannot work between its machines"
GCE, AZURE = _CANNOT.format("Compute Engine"), _CANNOT.format("Azure")
ELSEWHERE = ("works where frames reach a host by its MAC: on a switch; in one subnet of EC2 "
             "perhaps; not on Compute Engine or Azure")


def _read(folder, name):
    try:
        with open(os.path.join(folder, name), encoding="ascii", errors="replace") as file:
            return file.read(200).strip()
    except OSError:
        return ""


def note(folder=_DMI):
    """What is to be said of it."""
    if _read(folder, "sys_vendor") == "Amazon EC2" or \
            "amazon" in _read(folder, "bios_version").lower():
        return EC2
    if _read(folder, "product_name") == "Google Compute Engine":
        return GCE
    if _read(folder, "chassis_asset_tag") == _AZURE_TAG:
        return AZURE
    return ELSEWHERE
