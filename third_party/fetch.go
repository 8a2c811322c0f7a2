// Package thirdparty holds the script that fetches pinned Python packages, for
// the command to run where there is no repository.
package thirdparty

import "embed"

// Fetch is fetch.sh with what it reads.
//
//go:embed fetch.sh lib.sh pins/*.txt
var Fetch embed.FS
