"""What happens when processes are killed, disks fill and limits are met: for real, on real mounts."""
