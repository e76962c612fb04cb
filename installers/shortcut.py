"""A launcher for this checkout: Linux desktop entry, Windows shortcut or macOS alias, through pyshortcuts."""

from __future__ import annotations

import sys
from pathlib import Path

from pyshortcuts import make_shortcut

ROOT = Path(__file__).resolve().parents[1]
ICONS = ROOT / "medreason_viewer" / "resources" / "icons"
ICON = {"win32": "medreason.ico", "darwin": "medreason.icns"}.get(sys.platform, "medreason.png")


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
    return 0


if __name__ == "__main__":
    sys.exit(main())
