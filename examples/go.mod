module github.com/gopet-ml/gopet/examples

go 1.26

require github.com/gopet-ml/gopet v0.1.0
