"""Plug-ins in the window: one menu with all that they add, and a panel for each that brings one."""
