/** One request to the engine, with a dispatcher that does what the test says. */
import { assert, describe, it } from "@effect/vitest"
import { UpstreamCall } from "../../src/tap/UpstreamCall.ts"

const open = () => {
  const told: Array<string> = []
  const call = new UpstreamCall({
    onInterim: (status) => told.push(`interim ${status}`),
    onHeaders: (status, _, raw) => told.push(`headers ${status} ${raw.join()}`),
    onData: () => false,
    onEnd: (trailers) => told.push(`end ${trailers.join()}`),
    onError: (error) => told.push(error.message)
  })
  const controller = {
    aborted: false,
    paused: false as boolean,
    reason: null,
    rawHeaders: [Buffer.from("X-A"), Buffer.from("ü", "latin1")],
    abort: () => told.push("aborted"),
    pause: () => {
      controller.paused = true
    },
    resume: () => told.push("resumed")
  }
  return { call, controller, told }
}

describe("UpstreamCall", () => {
  it("closes a request that has not begun as soon as it does", () => {
    const { call, controller, told } = open()
    call.close()
    call.onRequestStart(controller)
    call.onResponseStart(controller, 200, {})
    call.onResponseData(controller, Buffer.from("x"))
    call.onResponseEnd(controller)
    assert.deepStrictEqual(told, ["aborted"])
  })

  it("tells heads as they came, waits for who has no room, and ends once", () => {
    const { call, controller, told } = open()
    call.onRequestStart(controller)
    call.resume()
    call.onResponseStart(controller, 103, {})
    call.onResponseStart(controller, 200, {})
    call.onResponseData(controller, Buffer.from("x"))
    assert.isTrue(controller.paused)
    call.resume()
    call.onResponseEnd(controller)
    call.onResponseError(undefined, new Error("late"))
    call.close()
    assert.deepStrictEqual(told, ["interim 103", "headers 200 X-A,ü", "resumed", "end "])
  })
})
