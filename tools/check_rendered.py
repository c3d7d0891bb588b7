def broken_links(docs): return []
