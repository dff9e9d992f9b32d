// After `npm ci` in a checkout: bundles the command, which starts in half the time then. Plain old JavaScript, since it
// must be understood by whatever Node there is.
//
// Law: it never fails. Without the bundler (`--omit=dev`), or with a Node that cannot run it, the command is what it was,
// from its source.
"use strict"

var version = process.versions.node.split(".").map(Number)
var isNewEnough = version[0] > 22 || (version[0] === 22 && version[1] >= 19)

function tellWhy(reason) {
  process.stderr.write("campaign runs from its source, and starts more slowly: " + reason + "\n")
}

try {
  require.resolve("rolldown/package.json")
  if (isNewEnough) {
    import("./main.ts").then(undefined, function(error) {
      tellWhy("its bundle cannot be made (" + error.message + ")")
    })
  } else {
    tellWhy("its bundle is made by Node 22.19 or newer, this is " + process.versions.node)
  }
} catch {
  tellWhy("the bundler is not installed")
}
