# NixOS' module for virtual machines, as far as a flake asks: the program that starts one.
{ pkgs, config, ... }:
{
  config.system.build.vm = pkgs.writeShellApplication {
    name = "run-${config.networking.hostName}-vm";
    text = "";
  };
}
