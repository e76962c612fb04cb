"""A model on a server in place of the one on this workstation: the same dialogue, the same events.

Here is what the dialogue needs; how a server is talked to is its endpoint's business (see
:mod:`medreason_viewer.network.chat`). Of a study only the model's image and the texts of the dialogue leave
this machine: no header, no identifier, no measurement. How the model is asked, and how its reply is read,
comes from the manifest of a bundle on this side.
"""
