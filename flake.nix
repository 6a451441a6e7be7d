{
  description = "A FUSE filesystem that notices which files belong together";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";
  # A second channel, for machines that want one package newer than the rest: the module argument `pkgs-unstable`.
  inputs.nixpkgs-unstable.url = "github:NixOS/nixpkgs/nixos-unstable";

  # A fork with a binary cache of its own names it here, with its own key:
  # nixConfig.extra-substituters = [ "https://CACHE" ];
  # nixConfig.extra-trusted-public-keys = [ "CACHE-1:KEY" ];

  outputs = inputs: import ./nixos inputs;
}
