/**
 * The walls that the operating system puts around a program that runs an answer. Pure: the command lines only; `Sandbox.ts`
 * tries which of them this machine can build, best first:
 *
 * - `bubblewrap`: `bwrap`, with no network, no other processes, and a file system that holds the system's programs and
 *   libraries, read-only, and nothing else of this machine.
 * - `namespaces`: the same made with util-linux (`unshare`, `pivot_root`), where bubblewrap is missing.
 * - `limits`: no walls; only what the program and its resource limits refuse.
 *
 * Laws: behind walls the program has no capability and can gain no privilege, is process 1 of its world (so that it cannot
 * end itself by a signal and have it look like the system's doing), and dies with us, even if we are killed. (But a
 * `bwrap` that root started gives up its right to kill: then the program's own alarm and processor limit end it.)
 *
 * Gotchas: root is not subject to a limit on processes, so as root every run gets a user number of its own that nobody
 * else has. Nothing here may begin a new session, as the process group is what is killed. `umount` needs `/proc`, which is therefore borrowed from the old file system until the end.
 */

export const confinementKinds = ["bubblewrap", "namespaces", "limits"] as const
export type ConfinementKind = (typeof confinementKinds)[number]

/** What a kind is, for people. */
export const describeKind: Readonly<Record<ConfinementKind, string>> = {
  bubblewrap: "bubblewrap, with resource limits and Node's permission model or Python's audit hook inside",
  namespaces: "Linux namespaces, with resource limits and Node's permission model or Python's audit hook inside",
  limits: "no walls: resource limits and Node's permission model or Python's audit hook"
}

/** What this machine has to build walls of. */
export interface Host {
  /** Absolute; undefined if there is none. */
  readonly bubblewrap: string | undefined
  /** Whether we are root. */
  readonly isRoot: boolean
  /** Where the system's programs and libraries are, with the target of those that are symbolic links. */
  readonly system: ReadonlyArray<{ readonly path: string; readonly link: string | undefined }>
  /** Directories that may be hidden behind the new file system. */
  readonly mountPoints: ReadonlyArray<string>
}

export interface Confined {
  readonly executable: string
  readonly arguments: ReadonlyArray<string>
  /** Files and directories, absolute, that the program needs besides those of the system. */
  readonly readable: ReadonlyArray<{ readonly path: string; readonly isDirectory: boolean }>
  /** Processes and threads it may have at once. */
  readonly processes: number
  /** The user and group it runs as, where we are root. */
  readonly identity: number
}

interface CommandLine {
  readonly executable: string
  readonly arguments: ReadonlyArray<string>
}

const isWithin = (path: string, directory: string): boolean => path === directory || path.startsWith(`${directory}/`)

/** What the system's own directories do not hold already. */
const extra = (host: Host, { readable }: Confined) =>
  readable.filter(({ path }) =>
    !host.system.some((directory) => directory.link === undefined && isWithin(path, directory.path))
  )

/** The directories that lead to the paths, outermost first; made by itself, bubblewrap's are for root alone. */
const ancestors = (readable: Confined["readable"]): ReadonlyArray<string> => {
  const found = new Set<string>()
  for (const { path } of readable) {
    const names = path.split("/").slice(1, -1)
    names.forEach((_, index) => found.add(`/${names.slice(0, index + 1).join("/")}`))
  }
  return [...found]
}

/** The last step, behind the walls: gives up every privilege, and becomes the program. */
const drop = (host: Host, confined: Confined): ReadonlyArray<string> => [
  "setpriv",
  ...(host.isRoot ? [`--reuid=${confined.identity}`, `--regid=${confined.identity}`, "--clear-groups"] : []),
  "--no-new-privs",
  "--inh-caps=-all",
  "--bounding-set=-all",
  "--",
  // forgotten whenever the user changes, so it is said again
  "setpriv",
  "--pdeathsig=KILL",
  "--",
  "prlimit",
  `--nproc=${confined.processes}`,
  "--",
  confined.executable,
  ...confined.arguments
]

const bubblewrap = (host: Host, confined: Confined): CommandLine => ({
  executable: host.bubblewrap ?? "bwrap",
  arguments: [
    "--die-with-parent",
    "--as-pid-1",
    ...(host.isRoot ? [] : ["--unshare-user"]),
    "--unshare-pid",
    "--unshare-net",
    "--unshare-ipc",
    "--unshare-uts",
    ...(host.isRoot ? ["CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP"].flatMap((name) => ["--cap-add", name]) : []),
    ...host.system.flatMap(({ link, path }) =>
      link === undefined ? ["--ro-bind", path, path] : ["--symlink", link, path]
    ),
    ...ancestors(extra(host, confined)).flatMap((path) => ["--perms", "0755", "--dir", path]),
    ...extra(host, confined).flatMap(({ path }) => ["--ro-bind", path, path]),
    "--remount-ro",
    "/",
    "--chdir",
    "/",
    "--",
    // it sets PWD
    "/usr/bin/env",
    "-i",
    ...drop(host, confined)
  ]
})

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/** What `unshare` runs: builds the new file system, moves into it, and leaves nothing of the old one. */
const namespaceScript = (host: Host, confined: Confined): string => {
  const bindings = extra(host, confined)
  const root = host.mountPoints.find((point) => !confined.readable.some(({ path }) => isWithin(path, point))) ?? "/mnt"
  const bind = (path: string) => [
    `mount --bind ${quoted(path)} ${quoted(`.${path}`)}`,
    `mount -o remount,bind,ro ${quoted(`.${path}`)}`
  ]
  return [
    "set -e",
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    `mount -t tmpfs -o size=1m,mode=755 none ${quoted(root)}`,
    `cd ${quoted(root)}`,
    ...host.system.flatMap(({ link, path }) =>
      link === undefined
        ? [`mkdir -p ${quoted(`.${path}`)}`, ...bind(path)]
        : [`ln -s ${quoted(link)} ${quoted(`.${path}`)}`]
    ),
    ...bindings.flatMap(({ isDirectory, path }) =>
      isDirectory
        ? [`mkdir -p ${quoted(`.${path}`)}`, ...bind(path)]
        : [`mkdir -p ${quoted(`.${path.slice(0, path.lastIndexOf("/"))}`)}`, `: > ${quoted(`.${path}`)}`, ...bind(path)]
    ),
    "mkdir .old",
    "ln -s .old/proc proc",
    "pivot_root . .old",
    "cd /",
    "umount -n -l /.old",
    "rm proc",
    "rmdir .old",
    "mount -n -o remount,ro /",
    "unset PWD OLDPWD SHLVL _",
    `exec "$0" "$@"`
  ].join("\n")
}

const namespaces = (host: Host, confined: Confined): CommandLine => ({
  executable: "/usr/bin/env",
  arguments: [
    "setpriv",
    "--pdeathsig=KILL",
    "--",
    "unshare",
    ...(host.isRoot ? [] : ["--user", "--map-root-user"]),
    "--mount",
    "--net",
    "--pid",
    "--ipc",
    "--uts",
    "--fork",
    "--kill-child",
    "--",
    "/bin/sh",
    "-c",
    namespaceScript(host, confined),
    ...drop(host, confined)
  ]
})

/** The command line that runs a program within the walls of that kind. */
export const confine = (kind: ConfinementKind, host: Host, confined: Confined): CommandLine => {
  switch (kind) {
    case "bubblewrap":
      return bubblewrap(host, confined)
    case "namespaces":
      return namespaces(host, confined)
    case "limits":
      return { executable: confined.executable, arguments: confined.arguments }
  }
}
