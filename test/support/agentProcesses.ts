/** Commands that start the agent of agentScript.ts, and looks at what is left of them. */
import * as Effect from "effect/Effect"
import { type AddressInfo, createServer } from "node:net"
import { fileURLToPath } from "node:url"

const script = fileURLToPath(import.meta.resolve("./agentScript.ts"))

/** The command line of an agent that behaves as the words say. */
export const agentLine = (...words: ReadonlyArray<string>): string =>
  ["exec", `"${process.execPath}"`, "--no-warnings", `"${script}"`, ...words].join(" ")

/** A port of loopback that nobody listens at. */
export const freePort = Effect.callback<number>((resume) => {
  const server = createServer()
  server.listen(0, "127.0.0.1", () => {
    const { port } = server.address() as AddressInfo
    server.close(() => resume(Effect.succeed(port)))
  })
})

/** Whether the process, or any of the group where the id is negative, is there for a signal. */
export const isThere = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** Waits, in real time, until something is there; dies after 20 s. */
export const found = <A>(what: string, look: () => A | undefined | null | false): Effect.Effect<A> =>
  Effect.gen(function*() {
    const until = performance.now() + 20_000
    while (true) {
      const seen = look()
      if (seen !== undefined && seen !== null && seen !== false) return seen
      if (performance.now() > until) return yield* Effect.die(new Error(`not within 20 s: ${what}`))
      yield* Effect.sleep(10)
    }
  })
