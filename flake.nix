# The package and a shell to work on it, by Nix: `nix run github:OWNER/a2a-campaign -- --help`, `nix develop`.
#
# The command runs from its sources, as in a checkout: Node.js takes the types off, so nothing is compiled here.
#
# Gotcha: Nix keeps what it once fetched under its hash, whatever the lock file says by now. So flake.dependencies.json holds
# beside the hash of the packages that of the lock file it was made for, and evaluation fails where the two have parted.
# `node bench/flakeHash/main.ts` writes it.
{
  description = "Evaluation campaigns against A2A agents that watch every token";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs = { self, nixpkgs }:
    let
      systems = [ "x86_64-linux" "aarch64-linux" "x86_64-darwin" "aarch64-darwin" ];
      forEachSystem = build: nixpkgs.lib.genAttrs systems (system: build nixpkgs.legacyPackages.${system});

      package = builtins.fromJSON (builtins.readFile ./package.json);
      dependencies = builtins.fromJSON (builtins.readFile ./flake.dependencies.json);
      lock = builtins.hashFile "sha256" ./package-lock.json;

      # What the sources import, as dependencies. In the package the command is bundled and Effect is a peer, so that
      # npm would leave out both; a bundle would need the bundler here, which has other files for every system.
      all = package.dependencies // package.devDependencies;
      imported = builtins.listToAttrs (map (name: { inherit name; value = all.${name}; }) dependencies.packages);
      manifest = removeAttrs package [ "peerDependencies" "scripts" ] // {
        dependencies = imported;
        devDependencies = removeAttrs all (builtins.attrNames imported);
      };

      # No package among them is for one system only, so that one hash holds for all. The lock file names no registry,
      # so npm itself fetches them.
      dependenciesFor = pkgs:
        if lock != dependencies.lock
        then throw "package-lock.json has changed since flake.dependencies.json was made: run `node bench/flakeHash/main.ts`"
        else pkgs.stdenvNoCC.mkDerivation {
          name = "a2a-campaign-dependencies-${builtins.substring 0 8 lock}";
          nativeBuildInputs = [ pkgs.nodejs_24 pkgs.cacert ];
          buildCommand = ''
            export HOME=$TMPDIR
            cp ${builtins.toFile "package.json" (builtins.toJSON manifest)} package.json
            cp ${./package-lock.json} package-lock.json
            npm ci --omit=dev --ignore-scripts
            rm node_modules/.package-lock.json
            mkdir $out
            mv node_modules $out/
          '';
          outputHashMode = "recursive";
          outputHash = dependencies.hash;
        };

      commandFor = pkgs: pkgs.stdenvNoCC.mkDerivation {
        pname = "a2a-campaign";
        inherit (package) version;
        nativeBuildInputs = [ pkgs.makeWrapper ];
        buildCommand = ''
          mkdir -p $out/lib/a2a-campaign
          cp -r ${./bin} $out/lib/a2a-campaign/bin
          cp -r ${./src} $out/lib/a2a-campaign/src
          cp ${./package.json} $out/lib/a2a-campaign/package.json
          ln -s ${dependenciesFor pkgs}/node_modules $out/lib/a2a-campaign/node_modules
          makeWrapper ${pkgs.nodejs_24}/bin/node $out/bin/campaign \
            --add-flags $out/lib/a2a-campaign/bin/campaign
        '';
        meta = {
          inherit (package) description;
          license = pkgs.lib.licenses.asl20;
          mainProgram = "campaign";
        };
      };
    in
    {
      packages = forEachSystem (pkgs: {
        default = commandFor pkgs;
        dependencies = dependenciesFor pkgs;
      });

      # What `nix flake check` builds: a task with hidden tests that is played to its end.
      checks = forEachSystem (pkgs: {
        demonstration = pkgs.runCommand "a2a-campaign-demonstration" { } ''
          export HOME=$TMPDIR
          ${commandFor pkgs}/bin/campaign run --db demonstration.db --task run-length --repeat 1 --json > $out
        '';
      });

      devShells = forEachSystem (pkgs: {
        default = pkgs.mkShell { packages = [ pkgs.nodejs_24 ]; };
      });
    };
}
