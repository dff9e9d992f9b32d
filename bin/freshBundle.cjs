// Finds the bundle of the command that may be started: `dist/command/bundle.json` names its folder and what it was made
// of. Plain old JavaScript, as bin/campaign is, which asks here at every start; the build and the tests ask here too.
//
// Laws: in a checkout a bundle is only ever used while each file that it was made of has the size and the time of change
// that it had then, so what runs is what the source says. In an installed package, which has no source, it is always used.
//
// Gotcha: of the packages below node_modules only npm's own list of what is installed is looked at.
"use strict"
var fs = require("node:fs")
var path = require("node:path")

/** Of a package that npm has installed, or that is all but its source. */
function hasNoSource(root) {
  return root.split(path.sep).indexOf("node_modules") !== -1 || !fs.existsSync(path.join(root, "src"))
}

/** Size and time of change of each file; null where it is not there. */
function look(root, files) {
  var quiet = { throwIfNoEntry: false }
  return files.map(function(file) {
    // Not `path.join`: three hundred times at each start it takes as long as the looking.
    var found = fs.statSync(root + "/" + file, quiet)
    return found === undefined ? [file, null, null] : [file, found.size, found.mtimeMs]
  })
}

/** The bundle's folder and whether an installed package is started; undefined where there is none that may be used. */
function freshBundle(root) {
  var folder = path.join(root, "dist", "command")
  try {
    var bundle = JSON.parse(fs.readFileSync(path.join(folder, "bundle.json"), "utf8"))
    var isInstalled = hasNoSource(root)
    var isFresh = isInstalled || look(root, bundle.inputs.map(function(input) { return input[0] })).every(
      function(found, index) { return found[1] === bundle.inputs[index][1] && found[2] === bundle.inputs[index][2] }
    )
    return isFresh ? { folder: path.join(folder, bundle.folder), isInstalled: isInstalled } : undefined
  } catch {
    // None was built, or it is no longer understood.
    return undefined
  }
}

module.exports = { freshBundle: freshBundle, hasNoSource: hasNoSource, look: look }
