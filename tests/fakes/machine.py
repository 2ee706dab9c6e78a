"""A machine as `dialplan.fetch` sees it: its /etc, a small truthful apt-get, apt-cache and dpkg on the path, and archives in reach."""

from pathlib import Path

from dialplan import fetch

DEBIAN_12 = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\nID=debian\n'
UBUNTU_24 = (
    'PRETTY_NAME="Ubuntu 24.04.1 LTS"\nVERSION_ID="24.04"\nVERSION_CODENAME=noble\nID=ubuntu\nID_LIKE=debian\nUBUNTU_CODENAME=noble\n'
)
DEB822 = """\
# The archive.
Types: deb
URIs: http://deb.debian.org/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://deb.debian.org/debian-security
Suites: bookworm-security
Components: main
"""
ONE_LINE = """\
#deb cdrom:[Debian GNU/Linux 12.0.0 _Bookworm_ - Official amd64 NETINST]/ bookworm main
deb http://security.debian.org/debian-security bookworm-security main
deb-src http://sources.example/debian bookworm main
deb [arch=amd64 signed-by=/etc/apt/k.gpg] http://ftp.example.de/pub/debian/ bookworm main contrib
"""

# apt-get, apt-cache and dpkg in one: does what they do with the options they are given, from the folder `archives/<host>/<path>/<suite>`,
# where a file per package holds its version; `archives/…/key` names the keyring that the archive is signed for.
APT = """\
#!/bin/sh
here={here}
name=${{0##*/}}
echo "$name $*" >> $here/log
for word; do
    case $word in
        Dir::Etc::sourcelist=*) list=${{word#*=}} ;;
        Dir::Cache=*) cache=${{word#*=}} ;;
        indextargets|update|policy|install|-x) verb=$word packages= ;;
        -*|*=*) ;;
        *) packages="$packages $word" last=$word ;;
    esac
done
case $verb in
indextargets)
    while read -r line; do echo "$line"; done < $here/lists
    exit 0 ;;
-x)
    if [ -f $here/full ]; then echo "dpkg-deb: error: failed to write: No space left on device"; exit 2; fi
    set -- $packages
    libraries=$2/usr/lib/x86_64-linux-gnu
    /bin/mkdir -p $2/usr/sbin $libraries $2/usr/share/doc/x $2/packages
    : > $2/usr/sbin/asterisk > $libraries/libc.so.6 > $2/packages/${{1##*/}}
    printf '#!/bin/sh\\necho Asterisk 22.10.1~dfsg\\n' > $libraries/ld-linux-x86-64.so.2
    /bin/chmod 755 $libraries/ld-linux-x86-64.so.2
    exit 0 ;;
esac
read -r source < $list
set -- $source
uri=$3 suite=$4 archive=$here/archives/${{3#*://}}
offered=${{archive%/}}/$suite
case $verb in
update)
    if [ ! -d $offered ]; then
        echo "Err:1 $uri $suite Release"
        echo "  404  Not Found"
        echo "E: The repository '$uri $suite Release' does not have a Release file."
        exit 100
    fi
    read -r key < ${{archive%/}}/key
    if [ "$2" != "[signed-by=$key]" ]; then echo "W: GPG error"; echo "E: The repository '$uri $suite' is not signed."; exit 100; fi ;;
policy)
    version="(none)"
    if [ -f $offered/$last ]; then read -r version < $offered/$last; fi
    echo "$last:"; echo "  Installed: (none)"; echo "  Candidate: $version"; echo "  Version table:" ;;
install)
    echo "source $source" >> $here/log
    for package in $packages; do
        if [ -f $offered/broken ] && [ $package != asterisk ]; then
            echo "E: Failed to fetch $uri/$package.deb  502  Bad Gateway"
            exit 100
        fi
        : > $cache/archives/${{package}}_${{suite}}_amd64.deb
    done ;;
esac
"""


class Machine:
    """A machine's /etc, its package client on the path, and the archives it can reach."""

    def __init__(self, folder: Path, monkeypatch) -> None:
        self.folder = folder
        self.cache = folder / "cache"
        self.bin = folder / "bin"
        self.debian = folder / "archives" / "deb.debian.org" / "debian"
        (folder / "apt" / "sources.list.d").mkdir(parents=True)
        self.bin.mkdir()
        (folder / "lists").touch()
        for name in ("debian", "ubuntu"):
            (folder / f"{name}.gpg").touch()
        self.archive("deb.debian.org/debian", f"{folder}/debian.gpg", bookworm={}, forky={"asterisk": "1:22.10.1~dfsg-1"})
        ubuntu = {"noble": {"asterisk": "1:20.6.0"}, "resolute": {"asterisk": "1:22.8.0"}}
        self.archive("archive.ubuntu.com/ubuntu", f"{folder}/ubuntu.gpg", **ubuntu)
        self.program("apt-get", APT.format(here=folder))
        for name in ("apt-cache", "dpkg"):
            (self.bin / name).symlink_to("apt-get")
        monkeypatch.setenv("PATH", str(self.bin))
        monkeypatch.setattr(fetch, "OS_RELEASE", folder / "os-release")
        monkeypatch.setattr(fetch, "APT", folder / "apt")
        monkeypatch.setattr(fetch, "KEYRINGS", {name: (folder / f"{name}.gpg",) for name in ("debian", "ubuntu")})
        monkeypatch.setattr(fetch, "SBIN", folder / "sbin")
        self.system(DEBIAN_12, **{"debian.sources": DEB822})

    def archive(self, where: str, key: str, **suites: dict[str, str]) -> None:
        """There is an archive at this address, signed for that keyring, with these versions of packages."""
        for suite, packages in suites.items():
            folder = self.folder / "archives" / where / suite
            folder.mkdir(parents=True, exist_ok=True)
            for package, version in packages.items():
                (folder / package).write_text(f"{version}\n")
        (self.folder / "archives" / where / "key").write_text(f"{key}\n")

    def system(self, release: str, **sources: str) -> None:
        (self.folder / "os-release").write_text(release)
        for path in (self.folder / "apt" / "sources.list.d").iterdir():
            path.unlink()
        for name, text in sources.items():
            (self.folder / "apt" / ("" if name == "sources.list" else "sources.list.d") / name).write_text(text)

    def program(self, name: str, text: str, folder: str = "bin") -> Path:
        path = self.folder / folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
        return path

    def asterisk(self) -> fetch.Program:
        return fetch.asterisk(self.cache)

    @property
    def log(self) -> str:
        """What the package client was asked to do."""
        path = self.folder / "log"
        return path.read_text() if path.exists() else ""

    def done(self, verb: str) -> list[str]:
        return [line for line in self.log.splitlines() if f" {verb}" in line and not line.startswith("source")]
