// Who can reach the simulated server: nobody but this machine, unless it is told to listen elsewhere.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { connect } from "node:net"
import { networkInterfaces } from "node:os"
import { Simulator } from "../../src/simulator/Simulator.ts"
import { get } from "./harness.ts"

const addresses = Object.values(networkInterfaces()).flatMap((all) => all ?? [])

/** An address of this machine that is not the usual loopback one; Linux answers at the whole of 127.0.0.0/8. */
const elsewhere = addresses.find(({ family, internal }) => family === "IPv4" && !internal)?.address ??
  (process.platform === "linux" ? "127.0.0.2" : undefined)
const hasIpv6 = addresses.some(({ address }) => address === "::1")

const listening = (host: string) => Simulator.layer({ host, port: 0 })

/** Whether a connection to this address is accepted. */
const reaches = (host: string, port: number) =>
  Effect.callback<boolean>((resume) => {
    const socket = connect(port, host)
    socket.on("connect", () => {
      socket.destroy()
      resume(Effect.succeed(true))
    })
    socket.on("error", () => resume(Effect.succeed(false)))
  })

const port = Effect.map(Simulator, ({ url }) => Number(new URL(url).port))

describe("Simulator: the address", () => {
  it.live.skipIf(elsewhere === undefined)("127.0.0.1 is reached from nowhere else", () =>
    Effect.gen(function*() {
      assert.match((yield* Simulator).url, /^http:\/\/127\.0\.0\.1:\d+$/)
      assert.isTrue(yield* reaches("127.0.0.1", yield* port))
      assert.isFalse(yield* reaches(elsewhere!, yield* port))
      if (hasIpv6) assert.isFalse(yield* reaches("::1", yield* port))
    }).pipe(Effect.provide(listening("127.0.0.1"))))

  it.live.skipIf(elsewhere === undefined)(
    "0.0.0.0 is reached at every address, and the URL names one that works",
    () =>
      Effect.gen(function*() {
        assert.match((yield* Simulator).url, /^http:\/\/127\.0\.0\.1:\d+$/)
        assert.strictEqual((yield* get("/health")).status, 200)
        assert.isTrue(yield* reaches(elsewhere!, yield* port))
      }).pipe(Effect.provide(listening("0.0.0.0")))
  )

  it.live.skipIf(!hasIpv6)("::1 is reached by IPv6 alone, at a URL with brackets", () =>
    Effect.gen(function*() {
      assert.match((yield* Simulator).url, /^http:\/\/\[::1\]:\d+$/)
      assert.strictEqual((yield* get("/health")).status, 200)
      assert.isFalse(yield* reaches("127.0.0.1", yield* port))
    }).pipe(Effect.provide(listening("::1"))))

  it.live.skipIf(!hasIpv6 || elsewhere === undefined)(
    ":: is reached by both, and the URL names one that works",
    () =>
      Effect.gen(function*() {
        assert.match((yield* Simulator).url, /^http:\/\/\[::1\]:\d+$/)
        assert.strictEqual((yield* get("/health")).status, 200)
        assert.isTrue(yield* reaches(elsewhere!, yield* port))
      }).pipe(Effect.provide(listening("::")))
  )
})
