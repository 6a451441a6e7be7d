# What a FUSE daemon can be denied. Left out, as each of them hides the mount from everybody else (a mount namespace of
# its own): PrivateTmp, PrivateMounts, ProtectSystem, ProtectHome, ProtectProc, ProtectKernel*, ProtectControlGroups,
# ReadWritePaths. Left out, as it cannot start with them: PrivateDevices, PrivateUsers, DynamicUser. RestrictSUIDSGID
# would break `chmod u+s` through the mount.
{ asRoot }:
{
  UMask = "0077";
  KeyringMode = "private";
  DevicePolicy = "closed";
  DeviceAllow = "/dev/fuse rw";
  IPAddressDeny = "any";
  # Root acts for others: their ids, files of theirs, what they own. SYS_PTRACE: /proc/PID/cwd of other users'
  # processes. A user mounts through fusermount3, which is setuid root and needs its share of these.
  CapabilityBoundingSet = [
    "CAP_SYS_ADMIN"
    "CAP_CHOWN"
    "CAP_DAC_OVERRIDE"
    "CAP_DAC_READ_SEARCH"
    "CAP_FOWNER"
    "CAP_FSETID"
    "CAP_MKNOD"
    "CAP_SETFCAP"
    "CAP_SETGID"
    "CAP_SETUID"
    "CAP_SYS_PTRACE"
  ];
}
// (
  # For an ordinary user each of these forbids new privileges, without which fusermount3 cannot mount.
  if asRoot then
    {
      NoNewPrivileges = true;
      LockPersonality = true;
      MemoryDenyWriteExecute = true;
      ProtectClock = true;
      ProtectHostname = true;
      RestrictAddressFamilies = "AF_UNIX";
      RestrictNamespaces = true;
      RestrictRealtime = true;
      SystemCallArchitectures = "native";
      SystemCallFilter = "@system-service @mount";
    }
  else
    { }
)
