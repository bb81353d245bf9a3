"""An installation over an older one."""

import os
import pathlib
import subprocess

INSTALL = pathlib.Path(__file__).parents[2] / "conf/install-config"


def test_a_configuration_that_was_edited_is_kept(place):
    shipped = [place / "a.conf", place / "b.conf"]
    for path in shipped:
        path.write_text("shipped\n")

    def install():
        command = [INSTALL, "/etc/superd.d", *shipped]
        subprocess.run(command, check=True, env={**os.environ, "DESTDIR": str(place / "root")})

    installed = place / "root/etc/superd.d"
    install()
    (installed / "a.conf").write_text("edited\n")
    (installed / "b.conf").unlink()
    install()
    assert (installed / "a.conf").read_text() == "edited\n"
    assert (installed / "b.conf").read_text() == "shipped\n"
