/**
 * The token of a dashboard that other machines can reach. It comes in the address after #, which browsers send to nobody,
 * and is given to the server once, for a cookie that no script can read.
 *
 * It is then taken out of the address, so that it is in no history, no bookmark and on no picture of the screen.
 */

const token = /^#token=([^&]+)$/

export const holdsToken = (): boolean => token.test(location.hash)

/** Gives the server the token of the address, if there is one; ends when the cookie is there, or cannot be. Never fails. */
export const presentToken = (): Promise<unknown> => {
  const found = token.exec(location.hash)
  if (found === null) return Promise.resolve()
  history.replaceState(null, "", `${location.pathname}#/`)
  // What is wrong with the token is said where the frames are asked for.
  return Promise.resolve().then(() =>
    fetch("api/session", { headers: { authorization: `Bearer ${decodeURIComponent(found[1]!)}` } })
  ).catch(() => undefined)
}
