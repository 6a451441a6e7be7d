# An OCI image of the command. A container needs the device and the right to mount:
#   podman run --rm --device /dev/fuse --cap-add SYS_ADMIN -v ~/papers:/source:shared IMAGE /source /mnt
{
  dockerTools,
  mycelial,
  util-linux,
}:
dockerTools.buildLayeredImage {
  name = "mycelial";
  tag = mycelial.version;
  contents = [
    mycelial
    util-linux # umount
    dockerTools.binSh
  ];
  extraCommands = ''
    mkdir -p source mnt var/lib tmp
    chmod 1777 tmp
  '';
  config = {
    Entrypoint = [
      "${mycelial}/bin/mycelial-mount"
      "-f"
    ];
    Cmd = [
      "/source"
      "/mnt"
    ];
    Env = [ "PATH=/bin" ];
    Volumes."/var/lib/mycelial" = { };
  };
}
