"""What people look at: the map, the explorer's window and page, the pictures."""
