/**
 * A battle's stream to its runner, as server-sent events (adapter for the responses of `node:http`).
 *
 * Its end is the end of the battle, whoever ends it.
 */
import type { ServerResponse } from "node:http"
import type { BattleSink } from "./OpenBattle.ts"

export class BattleEvents implements BattleSink {
  readonly #response: ServerResponse

  /** `onRoom` is called when there is room again; `onClose` once, when the stream has ended or the runner has gone. */
  constructor(
    response: ServerResponse,
    { onClose, onRoom }: { readonly onRoom: () => void; readonly onClose: () => void }
  ) {
    this.#response = response
    response.writeHead(200, {
      "content-type": "text/event-stream",
      "cache-control": "no-cache, no-transform",
      "x-accel-buffering": "no"
    })
    response.on("drain", onRoom)
    response.on("close", onClose)
  }

  readonly write = (event: string): boolean => this.#response.write(event)

  readonly end = (): void => {
    this.#response.end()
  }
}
