/**
 * flake.nix, as far as it can be held without the network that Nix wants: it is evaluated against packages that are none,
 * and what it would have a builder do is done here, by the same shell lines. Where there is no Nix (2.4 or newer), only the
 * hash of the lock file is compared.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFileSync, spawnSync } from "node:child_process"
import { chmodSync, copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { archiveHash } from "../../bench/flakeHash/archiveHash.ts"
import { importedPackages, lockHash, manifestOf } from "../../bench/flakeHash/lockedPackages.ts"
import { root } from "../support/command.ts"
import { temporaryDirectory } from "../support/temporaryDirectory.ts"

/** Nix's own tools, which are no packages of ours. */
const nix = { evaluate: "nix-instantiate", hash: "nix-hash" }
const hasNix = spawnSync(nix.evaluate, ["--version"]).status === 0
const nixOnly = hasNix ? it.effect : it.effect.skip

/** What the flake uses of nixpkgs; a package is its attributes, and lies in a folder of the test. */
const packages = (store: string) => `
  rec {
    make = attributes: attributes // {
      outPath = "${store}/\${attributes.pname or attributes.name}";
    };
    lib = {
      genAttrs = names: make: builtins.listToAttrs (map (name: { inherit name; value = make name; }) names);
      licenses.asl20 = "Apache-2.0";
    };
    legacyPackages = lib.genAttrs [ "x86_64-linux" "aarch64-linux" "x86_64-darwin" "aarch64-darwin" ] (system: {
      inherit lib;
      stdenvNoCC.mkDerivation = make;
      nodejs_24 = make { name = "nodejs"; };
      cacert = make { name = "cacert"; };
      makeWrapper = make { name = "make-wrapper"; };
      mkShell = attributes: make (attributes // { name = "shell"; });
      runCommand = name: environment: buildCommand: make { inherit name buildCommand; };
    });
  }
`

/** The value of an expression in which \`outputs\` is what the flake gives. */
const evaluated = (store: string, expression: string, folder = root): unknown =>
  JSON.parse(execFileSync(nix.evaluate, [
    "--eval",
    "--read-write-mode",
    "--strict",
    "--json",
    "--expr",
    `
    let outputs = (import ${folder}/flake.nix).outputs { self = ${folder}; nixpkgs = ${packages(store)}; };
    in ${expression}
  `
  ], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }))

const copyFlake = (folder: string) => {
  for (const name of ["flake.nix", "flake.dependencies.json", "package.json", "package-lock.json"]) {
    copyFileSync(join(root, name), join(folder, name))
  }
  for (const name of ["bin", "src"]) symlinkSync(join(root, name), join(folder, name))
}

interface LockedPackage {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly os?: unknown
  readonly cpu?: unknown
  readonly hasInstallScript?: unknown
}

/** What the lock file has of the imported packages and of all that those need, as npm finds it: in the nearest folder. */
const installed = (): ReadonlyArray<readonly [path: string, entry: LockedPackage]> => {
  const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
    readonly packages: Readonly<Record<string, LockedPackage>>
  }
  const found = new Set<string>()
  const visit = (from: string, name: string): void => {
    const path = `${from === "" ? "" : `${from}/`}node_modules/${name}`
    const entry = packages[path]
    if (entry === undefined) {
      if (from !== "") visit(from.slice(0, Math.max(0, from.lastIndexOf("/node_modules/"))), name)
    } else if (!found.has(path)) {
      found.add(path)
      const needed = { ...entry.dependencies, ...entry.optionalDependencies, ...entry.peerDependencies }
      for (const other of Object.keys(needed)) visit(path, other)
    }
  }
  for (const name of importedPackages(root)) visit("", name)
  return [...found].map((path) => [path, packages[path]!])
}

describe("flake.nix", () => {
  it("has the hash of the packages that the lock file names: if not, run `node bench/flakeHash/main.ts`", () => {
    const { hash, lock, packages } = JSON.parse(readFileSync(join(root, "flake.dependencies.json"), "utf8"))
    assert.deepStrictEqual({ lock, packages }, { lock: lockHash(root), packages: importedPackages(root) })
    assert.match(hash, /^sha256-[\w+/]{43}=$/)
  })

  it("holds for every system: nothing that is installed is for one only, or has a script that makes it so", () => {
    const special = installed().filter(([, entry]) => (entry.os ?? entry.cpu ?? entry.hasInstallScript) !== undefined)
    assert.deepStrictEqual(special.map(([path]) => path), [])
  })

  nixOnly("offers the command, its check and a shell for each system", () =>
    Effect.sync(() => {
      const found = evaluated(
        "/store",
        `{
        systems = builtins.attrNames outputs.packages;
        command = (outputs.packages.aarch64-darwin.default).meta;
        check = (outputs.checks.x86_64-linux.demonstration).name;
        shell = map (package: package.name) (outputs.devShells.x86_64-linux.default).packages;
      }`
      )
      const { description } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { description: string }
      assert.deepStrictEqual(found, {
        systems: ["aarch64-darwin", "aarch64-linux", "x86_64-darwin", "x86_64-linux"],
        command: { description, license: "Apache-2.0", mainProgram: "campaign" },
        check: "a2a-campaign-demonstration",
        shell: ["nodejs"]
      })
    }))

  nixOnly("builds a command that plans a campaign", () =>
    Effect.gen(function*() {
      const store = yield* temporaryDirectory
      const output = join(store, "output")
      mkdirSync(join(store, "nodejs/bin"), { recursive: true })
      symlinkSync(process.execPath, join(store, "nodejs/bin/node"))
      const dependencies = evaluated(store, "(outputs.packages.x86_64-linux.default).buildCommand") as string
      const installed = /\S+\/a2a-campaign-dependencies-\w{8}(?=\/node_modules)/.exec(dependencies)![0]
      mkdirSync(installed)
      symlinkSync(join(root, "node_modules"), join(installed, "node_modules"))
      const makeWrapper =
        "makeWrapper() { mkdir -p $(dirname $2); printf '#!/bin/sh\\nexec %s %s \"$@\"\\n' $1 $4 > $2; chmod +x $2; }"
      execFileSync("bash", ["-euc", `${makeWrapper}\n${dependencies}`], { env: { ...process.env, out: output } })
      symlinkSync(output, join(store, "a2a-campaign"))
      const check = evaluated(store, "(outputs.checks.x86_64-linux.demonstration).buildCommand") as string
      // What the check plays is played in other tests, from the same sources; here it is planned.
      const planned = check.replace(" --json", " --json --dry-run")
      const result = join(store, "result")
      execFileSync("bash", ["-euc", planned], {
        cwd: store,
        env: { ...process.env, TMPDIR: store, out: result },
        stdio: ["ignore", "ignore", "pipe"]
      })
      assert.include(JSON.parse(readFileSync(result, "utf8")).plan, { battles: 1, repetitions: 1 })
    }).pipe(Effect.scoped), 30_000)

  nixOnly("refuses a lock file that it has no hash for", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryDirectory
      copyFlake(folder)
      const command = "(outputs.packages.x86_64-linux.default).buildCommand"
      assert.isString(evaluated("/store", command, folder))
      writeFileSync(join(folder, "package-lock.json"), " ", { flag: "a" })
      assert.throws(() => evaluated("/store", command, folder), /run `node bench\/flakeHash\/main.ts`/)
    }).pipe(Effect.scoped))

  nixOnly("installs what the sources import, whatever the package says of it", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryDirectory
      copyFlake(folder)
      const manifest = {
        name: "a2a-campaign",
        version: "1.2.3",
        scripts: { prepare: "false" },
        dependencies: { effect: "1.0.0", other: "1.1.0" },
        devDependencies: { "@effect/platform-node": "2.0.0", three: "3.0.0" },
        peerDependencies: { "@effect/platform-node": "~2.0.0" }
      }
      const packages = ["@effect/platform-node", "effect"]
      const dependencies = { ...JSON.parse(readFileSync(join(folder, "flake.dependencies.json"), "utf8")), packages }
      writeFileSync(join(folder, "flake.dependencies.json"), JSON.stringify(dependencies))
      writeFileSync(join(folder, "package.json"), JSON.stringify(manifest))
      const command = evaluated("/store", "(outputs.packages.x86_64-linux.dependencies).buildCommand", folder) as string
      const written = JSON.parse(readFileSync(/cp (\S+) package\.json/.exec(command)![1]!, "utf8"))
      assert.deepStrictEqual(written, manifestOf(JSON.stringify(manifest), packages))
      assert.deepStrictEqual(written.dependencies, { "@effect/platform-node": "2.0.0", effect: "1.0.0" })
      assert.deepStrictEqual(written.devDependencies, { other: "1.1.0", three: "3.0.0" })
    }).pipe(Effect.scoped))

  nixOnly("knows a folder by the hash that Nix has for it", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryDirectory
      mkdirSync(join(folder, "Z/empty"), { recursive: true })
      writeFileSync(join(folder, "a"), "seven..")
      writeFileSync(join(folder, "ä"), "")
      writeFileSync(join(folder, "Z/run"), "#!/bin/sh\n")
      chmodSync(join(folder, "Z/run"), 0o755)
      symlinkSync("../a", join(folder, "Z/link"))
      const digits = execFileSync(nix.hash, ["--type", "sha256", folder], { encoding: "utf8" }).trim()
      assert.strictEqual(archiveHash(folder), `sha256-${Buffer.from(digits, "hex").toString("base64")}`)
    }).pipe(Effect.scoped))
})
