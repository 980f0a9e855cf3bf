"""The image under test: made once, of the package under test."""

import json
import os
import shutil
import tarfile

import pytest
import yaml

import command

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CONTAINER = os.path.join(TOP, "scripts/packaging/container")


# It compiles, or asks a mirror, where others want the machine too.
MAKE_SECONDS = 400


def output(*argv, within=120, **options):
    return command.output(*argv, within=within, cwd=TOP, **options)


@pytest.fixture(scope="session")
def package():
    """The .deb of this tree. TAPD_DEB names one that is there already."""
    if os.environ.get("TAPD_DEB"):
        return os.path.abspath(os.environ["TAPD_DEB"])
    return os.path.join(TOP, output("scripts/package", within=MAKE_SECONDS).splitlines()[-1])


class Image:
    """`archive`, and what is in it: `config`, and the files below `root`."""

    def __init__(self, archive, folder):
        self.archive = archive
        layout = os.path.join(folder, "layout")
        with tarfile.open(archive) as tar:
            tar.extractall(layout)
        tag, = output("umoci", "list", "--layout", layout).split()
        output("umoci", "unpack", "--image", f"{layout}:{tag}", os.path.join(folder, "bundle"))
        self.version, self.root = tag, os.path.join(folder, "bundle/rootfs")
        self.config = json.loads(output("skopeo", "inspect", "--config",
                                        f"oci-archive:{archive}"))
        run = self.config["config"]
        self.environment, self.command = run["Env"], run["Entrypoint"] + run["Cmd"]


@pytest.fixture(scope="session")
def image(package, tmp_path_factory):
    """TAPD_IMAGE names one that is there already."""
    folder = tmp_path_factory.mktemp("image")
    try:
        archive = os.environ.get("TAPD_IMAGE")
        if not archive:
            made = shutil.copy(package, folder)
            archive = output(os.path.join(CONTAINER, "build"), made, within=MAKE_SECONDS,
                             env=os.environ | {"TMPDIR": str(folder)}).splitlines()[-1]
        yield Image(os.path.abspath(archive), str(folder))
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def manifest_file():
    return os.path.join(CONTAINER, "kubernetes.yaml")


@pytest.fixture(scope="session")
def manifests(manifest_file):
    """Those of it, by their kinds."""
    with open(manifest_file) as file:
        return {each["kind"]: each for each in yaml.safe_load_all(file)}
