{
  description = "Evaluation campaigns against A2A agents that watch every token";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs = { self, nixpkgs }:
    let
      systems = [ "x86_64-linux" "aarch64-linux" "x86_64-darwin" "aarch64-darwin" ];
      forEachSystem = build: nixpkgs.lib.genAttrs systems (system: build nixpkgs.legacyPackages.${system});

      # The packages of the lock file, as one fixed output: the lock file names no registry, so npm itself fetches them.
      # After a change of dependencies the build fails once and prints the new hash.
      dependenciesFor = pkgs: pkgs.stdenvNoCC.mkDerivation {
        name = "a2a-campaign-dependencies";
        src = self;
        nativeBuildInputs = [ pkgs.nodejs_24 pkgs.cacert ];
        buildPhase = ''
          export HOME=$TMPDIR
          npm ci --omit=dev --ignore-scripts
          rm node_modules/.package-lock.json
        '';
        installPhase = ''
          mkdir $out
          mv node_modules $out/
        '';
        dontFixup = true;
        outputHashMode = "recursive";
        outputHash = "sha256-RcCAxFjDdJaCORgoc2rTsGOsTkCH8i5hGlcmBUI0zO0=";
      };
    in
    {
      devShells = forEachSystem (pkgs: {
        default = pkgs.mkShell { packages = [ pkgs.nodejs_24 ]; };
      });

      packages = forEachSystem (pkgs: {
        default = pkgs.stdenvNoCC.mkDerivation {
          pname = "a2a-campaign";
          version = (builtins.fromJSON (builtins.readFile ./package.json)).version;
          src = self;
          nativeBuildInputs = [ pkgs.makeWrapper ];
          dontBuild = true;
          installPhase = ''
            mkdir -p $out/lib/a2a-campaign
            cp -r bin src package.json $out/lib/a2a-campaign/
            ln -s ${dependenciesFor pkgs}/node_modules $out/lib/a2a-campaign/node_modules
            makeWrapper ${pkgs.nodejs_24}/bin/node $out/bin/campaign \
              --add-flags $out/lib/a2a-campaign/bin/campaign
          '';
          meta = {
            description = "Evaluation campaigns against A2A agents that watch every token";
            license = pkgs.lib.licenses.asl20;
            mainProgram = "campaign";
          };
        };
      });
    };
}
