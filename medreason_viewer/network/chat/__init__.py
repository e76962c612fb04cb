"""Servers that answer over the OpenAI protocol (vLLM, SGLang, llama-server, Ollama, transformers serve).

By httpx2, which is here for DICOMweb already, and not by the ``openai`` package: that one asks again by
itself (a second time the same pixels that nobody asked for), takes addresses, keys and proxies from the
environment, has no limit on a line or a reply, cannot be cut off from another thread while it waits, and
brings four further libraries, for two requests whose bodies are a page of code.
"""
