// oxlint-disable unicorn/require-post-message-target-origin -- ports of threads have no origin
/** The thread that asks the engine for an agent that waits for it without doing anything else. */
import { type MessagePort, workerData } from "node:worker_threads"
import { type ChatMessage, type EngineAddress, whole } from "./engineCall.ts"

interface EngineThreadData extends EngineAddress {
  readonly answered: SharedArrayBuffer
  readonly port: MessagePort
}

const { answered, port, ...engine } = workerData as EngineThreadData
const flag = new Int32Array(answered)

port.on("message", (messages: ReadonlyArray<ChatMessage>) => {
  void whole({ ...engine, messages }).catch((error) => `no answer: ${error}`).then((answer) => {
    port.postMessage(answer)
    Atomics.store(flag, 0, 1)
    Atomics.notify(flag, 0)
  })
})
