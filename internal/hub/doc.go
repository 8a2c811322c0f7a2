// Package hub is a client of the Hugging Face Hub: it finds what a repository
// holds, downloads files and keeps them in the cache of Python's
// huggingface_hub, so that either reads what the other downloaded. Package
// models/hub chooses the files of a model, package data/hub those of a data set.
//
// The cache, below $HF_HUB_CACHE:
//
//	models--OWNER--NAME/blobs/ETAG               a file's content, named after its checksum
//	models--OWNER--NAME/blobs/ETAG.incomplete    a download that was cut, to be resumed
//	models--OWNER--NAME/snapshots/COMMIT/FILE    a relative link to the content
//	models--OWNER--NAME/refs/REVISION            the commit that a branch or tag stood for
//	.locks/models--OWNER--NAME/ETAG.lock         held with flock(2) while ETAG is downloaded
//
// A file gets its name among the blobs once its size and checksum are right;
// links are made once all files are there, and the reference last.
//
// What a server says is not trusted: names of files stay within their
// snapshot, the token goes to the endpoint alone and to no host that it
// redirects to, and neither it nor the query of an address (where signatures
// are) is in any error.
package hub
