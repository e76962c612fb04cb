"""What is still to be sent: kept on disk, resumed after a restart, acknowledged object by object."""
