package data

// UnregisterSource undoes RegisterSource for tests that run more than once.
func UnregisterSource(scheme string) {
	sources.Lock()
	defer sources.Unlock()
	delete(sources.openers, scheme)
}
