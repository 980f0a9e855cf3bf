"""A pod of the DaemonSet, on a host of the cloud: the image's root, with the mounts and
the rights that the manifest gives it, and nothing else.

Stands in for the kubelet and the container runtime, as far as tapd can tell.
"""

import os
import subprocess

from cloud import wait_for

NAME = "tapd.kube-system.svc.cluster.local"

# Of /dev, /proc and /sys a container has what every runtime gives it. $1 is the root,
# $2 the folder of what is mounted; then come pairs of a source and a mount's options,
# up to --, and the command.
_ENTER = """
set -e
root=$1 at=$2; shift 2
hostname "${at##*/}"
mkdir -p "$root/dev" "$root/proc"
: >> "$root/etc/hosts"
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -o bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
mkdir "$root/dev/net"
for node in null zero random urandom; do
	: > "$root/dev/$node"
	mount --bind "/dev/$node" "$root/dev/$node"
done
mount --bind "$at/hosts" "$root/etc/hosts"
while [ "$1" != -- ]; do
	if [ -d "$1" ]; then mkdir -p "$root$2"; else : >> "$root$2"; fi
	mount --bind "$1" "$root$2"
	[ "$3" != ro ] || mount -o remount,bind,ro "$root$2"
	shift 3
done
shift
mount -o remount,bind,ro "$root"
exec chroot "$root" "$@"
"""


def _projected(folder, files, mode):
    """As the kubelet writes it: links to a folder that it exchanges as a whole."""
    data = os.path.join(folder, "..2026_01")
    os.makedirs(data, exist_ok=True)
    for name, text in files.items():
        with open(os.path.join(data, name), "w") as file:
            file.write(text)
        os.chmod(os.path.join(data, name), mode)
    for link, to in [("..data", "..2026_01"), *((name, f"..data/{name}") for name in files)]:
        path = os.path.join(folder, link)
        if not os.path.islink(path):
            os.symlink(to, path)


class Pod:
    """configuration: the text of tap0.conf; nodes: all hosts that have a pod."""

    def __init__(self, host, image, daemon_set, configuration, secret, nodes):
        self.host, self.image, self.process = host, image, None
        spec = daemon_set["spec"]["template"]["spec"]
        self._container, = spec["containers"]
        self._volumes = {volume["name"]: volume for volume in spec["volumes"]}
        host.write("hosts", "127.0.0.1 localhost\n" +
                   "".join(f"{node.address} {NAME}\n" for node in nodes))
        self._sources = {
            "configuration": host.path("configuration"), "key": host.path("key"),
            "run": host.path("run"), "tun": "/dev/net/tun",
            "machine-id": host.write("machine-id", os.urandom(16).hex() + "\n")}
        for name in "configuration", "key", "run":
            os.makedirs(self._sources[name], exist_ok=True)
        _projected(self._sources["configuration"],
                   {"tap0.conf": configuration, "secret": secret},
                   self._volumes["configuration"]["projected"]["defaultMode"])

    def _mounts(self):
        for mount in self._container["volumeMounts"]:
            yield from (self._sources[mount["name"]], mount["mountPath"],
                        "ro" if mount.get("readOnly") else "rw")

    def _rights(self):
        context = self._container["securityContext"]
        assert not context["privileged"] and not context["allowPrivilegeEscalation"]
        assert context["readOnlyRootFilesystem"] and context["capabilities"]["drop"] == ["ALL"]
        kept = ",".join("+" + name.lower() for name in context["capabilities"]["add"])
        return ["setpriv", "--no-new-privs", "--inh-caps=-all", f"--bounding-set=-all,{kept}"]

    def start(self):
        self.process = self.host.start(
            "unshare", "--uts", "--mount", "--propagation=private", "sh", "-c", _ENTER, "pod",
            self.image.root, self.host.directory, *self._mounts(), "--", *self._rights(),
            "/usr/bin/env", "-i", *self.image.environment, *self.image.command, log="pod.log")
        wait_for(lambda: not self.process.running or self.probe("readinessProbe"), 20,
                 lambda: f"the pod on {self.host} to be ready: {self.process.tail()}")
        assert self.process.running, self.process.log()
        return self

    def stop(self):
        return self.process.stop(10)

    def run(self, *command):
        return subprocess.run(
            ["nsenter", "-t", str(self.process.pid), "-m", "-n", "-r", "/usr/bin/env", "-i",
             *self.image.environment, *command], capture_output=True, text=True, timeout=20)

    def probe(self, kind):
        return self.run(*self._container[kind]["exec"]["command"]).returncode == 0
