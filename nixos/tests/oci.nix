# The OCI image starts, mounts and answers.
{ pkgs, self, ... }:
{
  name = "mycelial-oci";
  nodes.machine = {
    virtualisation.podman.enable = true;
    virtualisation.diskSize = 4096;
    boot.kernelModules = [ "fuse" ];
  };
  testScript =
    let
      image = self.packages.${pkgs.stdenv.hostPlatform.system}.oci;
    in
    ''
      machine.wait_for_unit("multi-user.target")
      machine.succeed("podman load --input ${image}")
      machine.succeed("mkdir -p /srv/papers && echo text >/srv/papers/a")
      machine.succeed(
          "podman run --detach --name live --device /dev/fuse --cap-add SYS_ADMIN -v /srv/papers:/source "
          "localhost/mycelial:${image.imageTag}"
      )
      machine.wait_until_succeeds("podman exec live /bin/mycelial status /mnt")
      machine.succeed("podman exec live /bin/sh -c 'read -r line </mnt/a && [ \"$line\" = text ]'")
      machine.succeed("podman stop live")
    '';
}
