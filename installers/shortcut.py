"""A launcher for this checkout: Linux desktop entry, Windows shortcut or macOS alias, through pyshortcuts.

On Linux and Windows it also makes ``medreason://`` links open the program, for this user alone. What a link
may say, how to do the same by hand, and what macOS needs stands in ``links.md``.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from pyshortcuts import make_shortcut

ROOT = Path(__file__).resolve().parents[1]
ICONS = ROOT / "medreason_viewer" / "resources" / "icons"
ICON = {"win32": "medreason.ico", "darwin": "medreason.icns"}.get(sys.platform, "medreason.png")
SCHEME = "medreason"
MIME_TYPE = f"x-scheme-handler/{SCHEME}"


def main() -> int:
    """Create the shortcut on the desktop and in the menu, and say where it is."""
    quoted = f'"{sys.executable}"' if sys.platform.startswith("linux") else sys.executable
    made = make_shortcut(
        "-m medreason_viewer",
        name="MedReason Viewer",
        description="CT viewer that explains a region (research use only)",
        icon=str(ICONS / ICON),
        terminal=False,
        desktop=True,
        startmenu=True,
        executable=quoted,
        working_dir=str(ROOT),
    )
    print(f"MedReason Viewer can now be started from {made.desktop_dir} and from the menu.")
    if sys.platform.startswith("linux"):
        take_links(Path(made.startmenu_dir), Path(made.desktop_dir), made.target)
        print(f"{SCHEME}:// links open it.")
    elif sys.platform == "win32":
        windowed = Path(sys.executable).with_name("pythonw.exe")  # opens no console
        take_links_on_windows(f'"{windowed}" -m medreason_viewer "%1"')
        print(f"{SCHEME}:// links open it.")
    return 0


def take_links(menu: Path, desktop: Path, name: str) -> None:
    """Let the entries of menu and desktop open links, and the menu's be the one that does."""
    for folder in (menu, desktop):
        entry = folder / name
        lines = [_with_link(line) for line in entry.read_text(encoding="utf-8").splitlines()]
        lines += [f"MimeType={MIME_TYPE};", "StartupNotify=true", "StartupWMClass=medreason-viewer"]
        entry.write_text("\n".join(lines) + "\n", encoding="utf-8")
    for command in (["update-desktop-database", str(menu)], ["xdg-mime", "default", name, MIME_TYPE]):
        if shutil.which(command[0]):
            subprocess.run(command, check=False)


def take_links_on_windows(command: str) -> None:
    """Write the scheme into the user's own part of the registry."""
    import winreg

    base = rf"Software\Classes\{SCHEME}"
    values = (
        (base, "", f"URL:{SCHEME}"),
        (base, "URL Protocol", ""),
        (rf"{base}\shell\open\command", "", command),
    )
    for key, name, value in values:
        with winreg.CreateKey(winreg.HKEY_CURRENT_USER, key) as opened:  # type: ignore[attr-defined,unused-ignore]
            winreg.SetValueEx(opened, name, 0, winreg.REG_SZ, value)  # type: ignore[attr-defined,unused-ignore]


def _with_link(line: str) -> str:
    """``%u`` stands for the link; the desktop gives nothing in its place where there is none."""
    return f"{line} %u" if line.startswith("Exec=") else line


if __name__ == "__main__":
    sys.exit(main())
