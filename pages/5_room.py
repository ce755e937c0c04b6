"""Found for links to /room on a server that has just started; see pages/shared/navigation.py."""

from pages.shared.navigation import enter

enter()
