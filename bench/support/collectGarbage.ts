/**
 * Collects garbage, so that resident memory says what is held and not what has not been cleaned up yet.
 *
 * Memory that is free goes back to the system a little later, so this waits a moment.
 */
import { setTimeout as sleep } from "node:timers/promises"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"

export const collectGarbage = async (): Promise<null> => {
  setFlagsFromString("--expose-gc")
  const collect = runInNewContext("gc") as () => void
  for (let round = 0; round < 3; round++) {
    collect()
    await sleep(100)
  }
  return null
}
