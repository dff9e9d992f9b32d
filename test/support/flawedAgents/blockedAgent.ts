// oxlint-disable unicorn/require-post-message-target-origin -- ports of threads have no origin
/**
 * An agent whose event loop stands still while its engine works: the call is made by a thread that the agent's own waits
 * for, as a synchronous HTTP client inside an asynchronous server does it. It has a thread of its own, else everything
 * beside it would stand still as well.
 */
import { MessageChannel, parentPort, receiveMessageOnPort, Worker, workerData } from "node:worker_threads"
import type { ChatMessage } from "./engineCall.ts"
import { type FixtureOptions, handMadeAgent, hangsAfter } from "./handMadeAgent.ts"

export interface BlockedAgentData extends FixtureOptions {
  readonly name: string
  /** Becomes 1 when it shall end. */
  readonly ended: SharedArrayBuffer
}

/** How often a waiting thread looks whether it shall end, in milliseconds. */
const LOOK_MILLIS = 50

const { hang, ...data } = workerData as BlockedAgentData
const ended = new Int32Array(data.ended)
const answered = new Int32Array(new SharedArrayBuffer(4))
const { port1, port2 } = new MessageChannel()
const caller = new Worker(new URL("./engineThread.ts", import.meta.url), {
  workerData: { ...data, answered: answered.buffer, port: port2 },
  transferList: [port2]
})

const isOver = () => Atomics.load(ended, 0) !== 0

/** The whole answer; nothing else happens in this thread until it is there. */
const ask = (messages: ReadonlyArray<ChatMessage>): string => {
  Atomics.store(answered, 0, 0)
  port1.postMessage(messages)
  while (!isOver() && Atomics.wait(answered, 0, 0, LOOK_MILLIS) === "timed-out");
  return String(receiveMessageOnPort(port1)?.message ?? "")
}

let messages = 0
const agent = await handMadeAgent({
  ...data,
  upstream: (asked) => {
    const hangs = hangsAfter(hang, messages++) !== undefined
    const answer = ask(asked)
    if (hangs) { while (!isOver()) Atomics.wait(ended, 0, 0, LOOK_MILLIS) }
    return answer
  }
})

parentPort?.postMessage(agent.url)
parentPort?.once("message", () => {
  agent.close()
  void caller.terminate()
  port1.close()
  parentPort?.close()
})
