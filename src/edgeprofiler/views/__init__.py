"""From a profile to something that a person looks at: reports, pictures, pages."""
