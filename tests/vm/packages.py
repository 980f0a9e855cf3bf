"""The packages under test, and the disk from which a guest installs them."""

import glob
import os
import shutil
import subprocess

from command import output

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

DISK_SIZE = "64M"

# It compiles, where others want the machine too.
MAKE_SECONDS = 600


def _run(*argv, within=120, **options):
    return output(*argv, within=within, **options)


def _field(deb, name):
    return _run("dpkg-deb", "-f", deb, name).strip()


def make_package():
    """The .deb of this tree. TAPD_DEB names one that is there already."""
    if os.environ.get("TAPD_DEB"):
        return os.path.abspath(os.environ["TAPD_DEB"])
    last = _run("scripts/package", cwd=TOP, within=MAKE_SECONDS).splitlines()[-1]
    return os.path.join(TOP, last)


def next_version(deb, folder):
    """The same as its next version: what an upgrade runs are the scripts."""
    version = _field(deb, "Version") + "+next"
    tree = os.path.join(folder, "next")
    _run("dpkg-deb", "-R", deb, tree)
    control = os.path.join(tree, "DEBIAN/control")
    with open(control) as file:
        text = file.read()
    with open(control, "w") as file:
        file.write(text.replace(f"\nVersion: {_field(deb, 'Version')}\n",
                                f"\nVersion: {version}\n"))
    made = os.path.join(folder, f"tapd_{version}_{_field(deb, 'Architecture')}.deb")
    _run("dpkg-deb", "--root-owner-group", "-b", tree, made)
    return made


def _dependencies(deb, dpkg_status, folder):
    """What the image lacks of what the package needs: downloaded by this machine's apt."""
    _run("apt-get", "-y", "--download-only", "-o", f"Dir::State::status={dpkg_status}",
         "-o", f"Dir::Cache::archives={folder}", "-o", "Debug::NoLocking=1",
         "-o", "APT::Sandbox::User=root", "install", deb, within=300)
    return glob.glob(os.path.join(folder, "*.deb"))


def packages_disk(debs, image, folder):
    """An image of a file system that is an apt repository, with the packages in it."""
    tree = os.path.join(folder, "packages")
    archives = os.path.join(folder, "archives")
    os.makedirs(os.path.join(archives, "partial"))
    os.mkdir(tree)
    for deb in [*debs, *_dependencies(debs[0], image.dpkg_status, archives)]:
        shutil.copy(deb, tree)
    # tapd itself is installed as a file: what of it is in the repository is no matter.
    with open(os.path.join(tree, "Packages"), "w") as file:
        subprocess.run(["dpkg-scanpackages", "-m", "."], cwd=tree, check=True, stdout=file,
                       stderr=subprocess.DEVNULL, timeout=60)
    disk = os.path.join(folder, "packages.img")
    _run("mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-d", tree, disk, DISK_SIZE)
    return disk
