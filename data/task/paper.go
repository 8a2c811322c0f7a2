package task

// The tasks of the paper: templates, label words and metrics of its reference
// code.
func init() {
	for _, t := range []*Task{
		single("sst2", "sentence: ", "sentence"),
		single("rotten_tomatoes", "", "text"),
		single("imdb", "", "text"),
		pair("mnli", Inference, "premise", "hypothesis", "entailment", "neutral", "contradiction"),
		pair("qnli", Inference, "question", "sentence", "entailment", "not_entailment"),
		pair("rte", Inference, "sentence1", "sentence2", "entailment", "not_entailment"),
		pair("qqp", Paraphrase, "question1", "question2", "not_duplicate", "duplicate"),
		pair("mrpc", Paraphrase, "sentence1", "sentence2", "not_equivalent", "equivalent"),
		{
			Name: "nq_open", Type: QuestionAnswering, Metric: ExactMatch,
			First: Template{Column: "question"}, TargetColumn: "answer",
		},
		summary("samsum", "dialogue"),
		summary("multi_news", "document"),
	} {
		Register(t)
	}
}

// single is a sentiment task on one text.
func single(name, prefix, column string) *Task {
	return &Task{
		Name: name, Type: Sentiment, Metric: Accuracy,
		First:       Template{Prefix: prefix, Column: column},
		LabelColumn: "label",
		Labels:      []string{"negative", "positive"},
	}
}

// pair is a task on two texts, each introduced by its column's name.
func pair(name, kind, first, second string, labels ...string) *Task {
	return &Task{
		Name: name, Type: kind, Metric: Accuracy,
		First:       Template{Prefix: spoken(first) + ": ", Column: first},
		Second:      Template{Prefix: spoken(second) + ": ", Column: second},
		LabelColumn: "label",
		Labels:      labels,
	}
}

// summary is the task of summing up one text.
func summary(name, column string) *Task {
	return &Task{
		Name: name, Type: Summarisation, Metric: RougeL,
		First:        Template{Prefix: "summarize: ", Column: column},
		TargetColumn: "summary",
	}
}

// spoken writes a column's name as the templates do: "sentence1" as
// "sentence 1".
func spoken(column string) string {
	last := len(column) - 1
	if c := column[last]; c >= '0' && c <= '9' {
		return column[:last] + " " + column[last:]
	}
	return column
}
