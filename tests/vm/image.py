#!/usr/bin/python3
"""The guests' disk: Debian with two kernels, made once for what goes into it.

It has the networks' managers and Keepalived enabled, as Debian installs them; a guest
that should have only one of the former masks the other.

Made without mounting anything, and kept (bootstrap.py) under a hash of this file, the
agent and the versions of what is named here. Guests write to snapshots of it. Run as a
program this makes the image, and says where it is.
"""

import glob
import os
import shutil
import sys
import time

_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(_HERE))

import bootstrap  # noqa: E402
from command import output  # noqa: E402

KERNELS = {"6.1": "linux-image-cloud-amd64", "6.12": "linux-image-6.12-cloud-amd64"}

# What a cloud's image has, and what the tests run there. The kernels come last, so
# that their initramfs is made once.
PACKAGES = ["systemd-sysv", "udev", "dbus", "kmod", "iproute2", "iputils-ping", "procps",
            "python3", "keepalived", "network-manager", "nftables", "initramfs-tools",
            "zstd", *KERNELS.values()]

DISK_SIZE = "2G"  # sparse
FINISH_SECONDS = 300
FILES = {
    "etc/initramfs-tools/conf.d/tests": "MODULES=list\nCOMPRESS=zstd\n",
    "etc/initramfs-tools/modules": "virtio_pci\nvirtio_blk\n",
    "etc/fstab": "",
    "etc/hosts": "127.0.0.1 localhost\n",
    "etc/hostname": "",
    "etc/resolv.conf": "",
    # An administrator's files, and one that takes every Ethernet there is: what tap0 has
    # to be kept from. NetworkManager does so by itself.
    "etc/systemd/network/20-eth0.network":
        "[Match]\nName=eth0\n[Network]\nAddress=10.9.0.10/24\nGateway=10.9.0.1\n",
    "etc/systemd/network/80-all.network": "[Match]\nType=ether\n[Network]\nDHCP=yes\n",
    "etc/NetworkManager/system-connections/eth0.nmconnection":
        "[connection]\nid=eth0\ntype=ethernet\ninterface-name=eth0\n"
        "[ipv4]\nmethod=manual\naddress1=10.9.0.11/24,10.9.0.1\n",
    # What else would run at the first boot of an image whose files are new.
    "etc/.updated": "",
    "var/.updated": "",
    # All there is to install from: the tests' second disk.
    "etc/apt/sources.list": "deb [trusted=yes] file:/media/packages ./\n",
    # A user types the yes.
    "etc/apt/apt.conf.d/tests": 'APT::Get::Assume-Yes "true";\n',
    "etc/systemd/journald.conf.d/tests.conf": "[Journal]\nStorage=volatile\n",
    "etc/systemd/system/media-packages.mount":
        "[Mount]\nWhat=/dev/vdb\nWhere=/media/packages\nOptions=ro\n"
        "[Install]\nWantedBy=multi-user.target\n",
    "etc/systemd/system/agent.service":
        "[Unit]\nAfter=media-packages.mount\nWants=media-packages.mount\n"
        "[Service]\nExecStart=/usr/local/sbin/agent\n"
        "Environment=HOME=/root DEBIAN_FRONTEND=noninteractive LANG=C.UTF-8\n"
        "Environment=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
        "[Install]\nWantedBy=multi-user.target\n",
}

# What is masked has nothing to do with what is tested, and takes an emulated CPU a third
# of its boot.
_FINISH = """
chmod 600 /etc/NetworkManager/system-connections/*
systemctl -q enable agent.service media-packages.mount systemd-networkd keepalived
systemctl -q mask getty@tty1 serial-getty@ttyS0 apt-daily.timer apt-daily-upgrade.timer \\
    dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer \\
    dev-hugepages.mount dev-mqueue.mount sys-kernel-debug.mount sys-kernel-tracing.mount \\
    sys-kernel-config.mount sys-fs-fuse-connections.mount systemd-pstore.service \\
    modprobe@configfs.service modprobe@dm_mod.service modprobe@drm.service \\
    modprobe@efi_pstore.service modprobe@fuse.service modprobe@loop.service \\
    systemd-update-utmp.service systemd-update-utmp-runlevel.service
: > /etc/machine-id
touch /etc/.updated /var/.updated
"""


class Image:
    """A finished one: `disk`, `dpkg_status`, and a kernel by its release."""

    def __init__(self, folder):
        self.folder = folder
        self.disk = os.path.join(folder, "disk.img")
        self.dpkg_status = os.path.join(folder, "status")

    def boot_files(self, release):
        """(kernel, initial RAM disk) of "6.1" or "6.12"."""
        kernel, = glob.glob(f"{self.folder}/vmlinuz-{release}.*")
        return kernel, kernel.replace("vmlinuz-", "initrd.img-")


def _write(root, path, text):
    path = os.path.join(root, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


def _write_files(root):
    for path, text in FILES.items():
        _write(root, path, text)
    os.makedirs(os.path.join(root, "media/packages"))
    agent = os.path.join(root, "usr/local/sbin/agent")
    shutil.copy(os.path.join(_HERE, "agent.py"), agent)
    os.chmod(agent, 0o755)


def _make(folder):
    root, early = folder + ".root", folder + ".early"
    # What the kernels' packages are configured by has to be there before them.
    for path in FILES:
        if path.startswith("etc/initramfs-tools/"):
            _write(early, path, FILES[path])
    bootstrap.mmdebstrap(root, PACKAGES, "--variant=apt", "--format=directory",
                         "--skip=output/dev", f'--essential-hook=cp -r {early}/etc "$1"')
    _write_files(root)
    output("chroot", root, "sh", "-ec", _FINISH, within=FINISH_SECONDS)
    os.mkdir(folder)
    for path in glob.glob(f"{root}/boot/vmlinuz-*") + glob.glob(f"{root}/boot/initrd.img-*"):
        shutil.move(path, folder)
    shutil.copy(os.path.join(root, "var/lib/dpkg/status"), os.path.join(folder, "status"))
    output("mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-d", root,
           os.path.join(folder, "disk.img"), DISK_SIZE, within=FINISH_SECONDS)


def image():
    """The Image, made if need be."""
    sources = [bootstrap.text(os.path.join(_HERE, name)) for name in ("image.py", "agent.py")]
    key = bootstrap.key(bootstrap.candidates(PACKAGES), sources)
    return Image(bootstrap.kept(f"vm-{key}", _make))


if __name__ == "__main__":
    started = time.monotonic()
    print(f"{image().disk}: {time.monotonic() - started:.0f} s")
