// Package peft converts adapters to and from the formats of other libraries:
//
//   - Hugging Face PEFT (https://huggingface.co/docs/peft): LORA, PROMPT_TUNING
//     and SHIRA, which are gopet's lora, prompt and apet. Held to peft 0.21.2.
//   - the adapters package (https://docs.adapterhub.ml): the bottleneck, which
//     is gopet's adapter. Held to adapters 1.3.0.
//   - a plain safetensors file of biases, which is gopet's bitfit.
//
// A conversion is exact: the model computes with the result what it computed
// before, within float rounding. An option, a tensor or a method that has no
// equal on the other side is refused by its name; nothing is left out silently.
// What has no bearing on what is computed, such as a dropout of training, is
// left out with a remark.
//
// docs/files.md describes what is written.
package peft
