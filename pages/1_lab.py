"""Found for links to /lab on a server that has just started; see pages/shared/navigation.py."""

from pages.shared.navigation import enter

enter()
