/** What a test sees of the processes, files and connections of what it runs. Linux only, where it looks into `/proc`. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { type AddressInfo, createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { GradingError } from "../../src/grading/GradingError.ts"

const read = (file: string): string => {
  try {
    return readFileSync(file, "utf8")
  } catch {
    return ""
  }
}

/** Process number and start time (the number may be given again), with the number of the parent. */
const processes = () =>
  readdirSync("/proc").filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
    const fields = read(`/proc/${pid}/stat`).split(") ").at(-1)?.split(" ") ?? []
    return fields.length < 20 || fields[0] === "Z"
      ? []
      : [{ pid: Number(pid), parent: Number(fields[1]), key: `${pid} since ${fields[19]}` }]
  })

/** What descends from this process now. */
const descendants = (): ReadonlyArray<string> => {
  const all = processes()
  const found: Array<string> = []
  const parents = [process.pid]
  for (const parent of parents) {
    for (const each of all) {
      if (each.parent !== parent) continue
      parents.push(each.pid)
      found.push(each.key)
    }
  }
  return found
}

/** Runs an effect, watching what processes it starts; gives its result with those that outlive it. */
export const withLeftovers = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const before = new Set(descendants())
    const seen = new Set<string>()
    const look = Effect.sync(() => descendants().forEach((key) => seen.add(key)))
    const watcher = yield* Effect.forkChild(Effect.repeat(look, Schedule.spaced("20 millis")), {
      startImmediately: true
    })
    const result = yield* effect
    yield* Fiber.interrupt(watcher)
    // The kernel ends a namespace of processes a moment after its first process.
    yield* Effect.sleep("100 millis")
    const alive = new Set(processes().map(({ key }) => key))
    const started = [...seen].filter((key) => !before.has(key))
    return { result, started, left: started.filter((key) => alive.has(key)) }
  })

/** A listener on loopback that counts who comes. */
export const listener = Effect.acquireRelease(
  Effect.callback<{ readonly port: number; readonly connections: () => number; readonly close: () => void }>(
    (resume) => {
      let connections = 0
      const server = createServer((socket) => {
        connections++
        socket.destroy()
      })
      server.listen(0, "127.0.0.1", () => {
        const { port } = server.address() as AddressInfo
        resume(Effect.succeed({ port, connections: () => connections, close: () => server.close() }))
      })
    }
  ),
  ({ close }) => Effect.sync(close)
)

/** A file that nobody behind walls may see, with what it holds. */
export const secretFile = Effect.acquireRelease(
  Effect.sync(() => {
    const folder = mkdtempSync(join(tmpdir(), "a2a-campaign-secret-"))
    const file = join(folder, "secret.txt")
    writeFileSync(file, "the-secret-of-the-test")
    return { folder, file, secret: "the-secret-of-the-test" }
  }),
  ({ folder }) => Effect.sync(() => rmSync(folder, { recursive: true }))
)

/** Tries again where the machine was too busy to tell a slow answer from one that was given no time. */
export const patiently = <A, R>(effect: Effect.Effect<A, GradingError, R>) =>
  Effect.retry(effect, { times: 5, while: ({ reason }) => reason._tag === "SandboxStarved" })
