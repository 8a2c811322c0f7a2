package models

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
)

// Fingerprint identifies the values of parameters: the hexadecimal SHA-256 of
// each one's name, dtype, shape and bytes, in order.
func Fingerprint(parameters []*nn.Parameter) (string, error) {
	sum := sha256.New()
	for _, p := range parameters {
		err := torch.Try(func() {
			s := torch.NewScope(torch.NoGrad())
			defer s.Close()
			fmt.Fprintf(sum, "%s %v %v\n", p.Name, p.Tensor.DType(), p.Tensor.Shape())
			sum.Write(p.Tensor.In(s).ToDevice(torch.CPU).Bytes())
		})
		if err != nil {
			return "", fmt.Errorf("fingerprint of %s: %w", p.Name, err)
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
