{
  description = "Evaluation campaigns against A2A agents that watch every token";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs = { self, nixpkgs }:
    let
      systems = [ "x86_64-linux" "aarch64-linux" "x86_64-darwin" "aarch64-darwin" ];
      forEachSystem = build: nixpkgs.lib.genAttrs systems (system: build nixpkgs.legacyPackages.${system});
    in
    {
      devShells = forEachSystem (pkgs: {
        default = pkgs.mkShell { packages = [ pkgs.nodejs_24 ]; };
      });

      packages = forEachSystem (pkgs: {
        default = pkgs.buildNpmPackage {
          pname = "a2a-campaign";
          version = (builtins.fromJSON (builtins.readFile ./package.json)).version;
          src = self;
          nodejs = pkgs.nodejs_24;
          # The npm package `node` would download a Node.js; this one is Nix's.
          npmFlags = [ "--ignore-scripts" ];
          npmDeps = pkgs.importNpmLock { npmRoot = self; };
          npmConfigHook = pkgs.importNpmLock.npmConfigHook;
          meta = {
            description = "Evaluation campaigns against A2A agents that watch every token";
            license = pkgs.lib.licenses.asl20;
            mainProgram = "campaign";
          };
        };
      });
    };
}
