module github.com/gopet-ml/gopet

go 1.26
